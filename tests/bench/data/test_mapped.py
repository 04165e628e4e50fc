"""Large arrays in pieces: the same values as whole ones, and little memory of the process."""

import shutil
import subprocess
import sys
from types import SimpleNamespace

import nibabel as nib
import numpy as np
import pytest

from bench.data import mapped
from bench.data.case import Item
from bench.data.reading.assemble import labelled_case
from bench.data.slicing import planes
from bench.protocols import load


@pytest.fixture
def tiny(monkeypatch):
    monkeypatch.setattr(mapped, "SMALL_BYTES", 1)
    monkeypatch.setattr(mapped, "PIECE_BYTES", 64)


@pytest.mark.parametrize("turned", [lambda x: x, np.asfortranarray, lambda x: x.transpose(1, 2, 0)[::-1, :, ::-1]])
def test_pieces_cover_an_array_once_whatever_its_order(tiny, turned):
    values = turned(np.arange(5 * 6 * 7).reshape(5, 6, 7) - 30)
    double = mapped.converted(values, lambda part: 2 * part, np.int32)
    np.testing.assert_array_equal(double, 2 * values)
    assert np.argsort(np.abs(double.strides)).tolist() == np.argsort(np.abs(values.strides)).tolist()
    assert mapped.count(values, lambda part: part > 100) == np.count_nonzero(values > 100)
    assert mapped.limits(values) == (-30, 179)
    assert mapped.holds(values, lambda part: part == 179) and not mapped.holds(values, lambda part: part == 180)
    seen = [part for (part,) in mapped.pieces(values)]
    assert len(seen) > 1 and sum(part.size for part in seen) == values.size


def test_what_is_given_back_keeps_its_values(tiny):
    made = mapped.zeros(np.empty((30, 40)), np.int16)
    made[3, 4] = 7
    mapped.release(made[1:])
    assert made.sum() == 7 and made[3, 4] == 7


def test_a_full_disk_means_memory(tiny, monkeypatch):
    assert mapped.is_mapped(1000)
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: SimpleNamespace(free=5000))
    assert not mapped.is_mapped(1000) and mapped.is_mapped(500)


@pytest.mark.parametrize("kind", ["<i2", ">i2", "<f4", ">f8"])
@pytest.mark.parametrize("slope", [1.0, 0.5])
def test_a_volume_that_is_mapped_is_read_as_one_in_memory(tmp_path, monkeypatch, kind, slope):
    rng = np.random.default_rng(3)
    labels = (rng.random((9, 8, 7)) > 0.8).astype(np.dtype(kind)) * 2
    voxels = rng.integers(-900, 300, (9, 8, 7)).astype(np.dtype(kind))
    if voxels.dtype.kind == "f":
        voxels[2, 3, 4] = np.nan
    for name, values in (("image", voxels), ("mask", labels)):
        made = nib.Nifti1Image(values, np.diag([-1, 2, 3, 1]))
        made.header.set_slope_inter(slope, -10 if name == "image" else 0)
        nib.save(made, tmp_path / f"{name}.nii.gz")
    item = Item("d", "p", "c", "CT", {name: tmp_path / f"{name}.nii.gz" for name in ("image", "mask")})
    table = {"organ": (2, 1)}
    whole = labelled_case(item, table)
    kept = list(planes(whole, load("bench")))
    monkeypatch.setattr(mapped, "SMALL_BYTES", 1)
    monkeypatch.setattr(mapped, "PIECE_BYTES", 64)
    again = labelled_case(item, table)
    assert again.image.dtype == whole.image.dtype and again.warnings == whole.warnings
    np.testing.assert_array_equal(again.image, whole.image)
    np.testing.assert_array_equal(again.masks["organ"], whole.masks["organ"])
    for one, other in zip(kept, planes(again, load("bench")), strict=True):
        assert one.grid == other.grid
        np.testing.assert_array_equal(one.image, other.image)
        np.testing.assert_array_equal(one.masks["organ"], other.masks["organ"])


PEAK = """
import resource
import numpy as np
from bench.data import mapped
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
made = mapped.zeros(np.broadcast_to(np.uint8(0), (256, 1024, 1024)), np.uint8)
made = mapped.converted(made, lambda part: part + np.uint8(1), np.uint8)
assert mapped.count(made, lambda part: part == 1) == made.size
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="memory is given back by madvise")
def test_going_through_a_large_array_takes_the_memory_of_some_pieces():
    done = subprocess.run([sys.executable, "-c", PEAK], capture_output=True, text=True, check=True)
    assert int(done.stdout) * 1024 < 6 * mapped.PIECE_BYTES  # the array has 32
