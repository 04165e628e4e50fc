import numpy as np
import pytest

from bench.data.case import ScanHeader
from bench.errors import RunError
from bench.running import run
from bench.store.grid import CaseGrid, has_grid, read_grid, write_grid
from bench.store.run_folder import grid_path
from tests.helpers.fakes import config

AFFINE = ((-2.0, 0.0, 0.0, 10.0), (0.0, -1.0, 0.0, 20.0), (0.0, 0.0, 3.0, 30.1), (0.0, 0.0, 0.0, 1.0))
HEADER = ScanHeader(((1, -1), (0, 1), (2, 1)), {"pixdim": (1.0, 2.0, float(np.float32(0.4))), "xyzt_units": 2})
GRID = CaseGrid("a/b.nii.gz", (2, 3, 4), AFFINE, 2, HEADER)


@pytest.mark.parametrize("grid", [GRID, CaseGrid("a.png", (5, 6), None, None, None)])
def test_is_read_as_it_was_written_and_equal_to_the_byte(tmp_path, grid):
    for name in ("a.json", "b.json"):
        write_grid(grid, tmp_path / name)
    assert read_grid(tmp_path / "a.json") == grid
    assert (tmp_path / "a.json").read_bytes() == (tmp_path / "b.json").read_bytes()


def test_a_slice_of_a_volume_and_the_only_one_of_a_picture():
    volume = np.arange(24).reshape(2, 3, 4) % 5 == 0
    np.testing.assert_array_equal(GRID.plane(volume, 3), volume[:, :, 3].T)
    assert GRID.slices == 4
    picture = CaseGrid("a.png", (2, 3), None, None, None)
    assert picture.plane(volume[:, :, 0], 0).shape == (2, 3) and picture.slices == 1


@pytest.mark.parametrize("content", ["{", '{"shape": [1]}', "[]"])
def test_a_damaged_grid_is_named(tmp_path, content):
    path = tmp_path / "c.grid.json"
    assert not has_grid(path)
    path.write_text(content)
    assert not has_grid(path)
    with pytest.raises(RunError, match=r"c\.grid\.json cannot be read .*resume the run"):
        read_grid(path)


@pytest.mark.usefixtures("registered")
def test_a_run_keeps_the_grid_of_each_case_beside_its_targets(tmp_path):
    run.predict_only(config(tmp_path / "r", models=("baseline/box",), limit=1))
    grid = read_grid(grid_path(tmp_path / "r", "squares", "c0"))
    assert (grid.shape, grid.axis, grid.header) == ((20, 16, 3), 2, None)
    assert grid.image == "c0"
