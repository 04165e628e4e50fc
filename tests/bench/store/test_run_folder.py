import subprocess
import sys

import pytest

from bench.errors import RunError
from bench.store.files import write_json
from bench.store.run_folder import case_path, one_writer, predictions_path, read_run, timings


def test_odd_characters_of_a_case_stay_inside_the_folder(tmp_path):
    path = predictions_path(tmp_path, "sam/mini", "folder:x", "../../a (1), b")
    assert path.resolve().is_relative_to(tmp_path / "predictions" / "sam--mini")


def test_second_writer_is_refused(tmp_path):
    code = (
        "import sys, pathlib; from bench.errors import RunError; from bench.store.run_folder import one_writer\n"
        "try:\n    with one_writer(pathlib.Path(sys.argv[1])): pass\n"
        "except RunError as error: print(error); sys.exit(3)\n"
    )
    with one_writer(tmp_path):
        other = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=False)
    assert other.returncode == 3 and "another run" in other.stdout


def test_a_long_name_is_cut_and_stays_its_own(tmp_path):
    names = ["x" * 400, "x" * 399 + "y", "肝" * 100, "x" * 242, "x" * 243]
    paths = {case_path(tmp_path, "folder", name) for name in names}
    assert len(paths) == len(names)
    assert all(len(path.name) <= 255 - len(".seconds.json") + len(".npz") for path in paths)
    assert case_path(tmp_path, "folder", "a b").name == "a%20b.npz"


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[" * 100_000, b"\xff\xfe", b'{"config": 1}', b"[]", b'{"config": {"models": [1]}}']
)
def test_a_damaged_run_json_is_named(tmp_path, content):
    (tmp_path / "run.json").write_bytes(content)
    with pytest.raises(RunError, match=r"run\.json"):
        read_run(tmp_path)


def test_seconds_of_another_number_of_masks_are_refused(tmp_path):
    write_json(tmp_path / "a.seconds.json", [{"seconds_encode": 0.5, "seconds_decode": 1}])
    assert timings(tmp_path / "a.npz", 1) == [{"seconds_encode": 0.5, "seconds_decode": 1.0}]
    with pytest.raises(RunError, match="1 entries for 2 masks"):
        timings(tmp_path / "a.npz", 2)
