import gzip
import tracemalloc
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bench.data.case import DataError
from bench.data.reading.nifti import read_volume
from tests.helpers.layouts import (
    cut,
    cut_inside,
    lps_affine,
    spoil_checksum,
    voxels,
    write_nifti,
)


@pytest.mark.parametrize("spoil", [spoil_checksum, cut, cut_inside, lambda path: path.write_bytes(b"")])
def test_a_damaged_file_fails_with_its_name(tmp_path: Path, spoil) -> None:
    path = write_nifti(tmp_path / "s0864" / "ct.nii.gz", voxels())
    spoil(path)
    with pytest.raises(DataError, match=r"s0864/ct\.nii\.gz: cannot be read") as caught:
        read_volume(path)
    assert caught.value.kind == "failed"


@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_no_damage_to_a_header_escapes_as_another_error(tmp_path: Path, data: st.DataObject) -> None:
    path = write_nifti(tmp_path / "x.nii", voxels())
    raw = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 8))):
        raw[data.draw(st.integers(0, 351))] = data.draw(st.integers(0, 255))
    path.write_bytes(bytes(raw))
    try:
        volume = read_volume(path)
    except DataError:
        return
    assert volume.voxels.ndim == 3
    assert np.isfinite(volume.affine).all()


def test_a_header_that_asks_for_too_much_memory_is_damage(tmp_path: Path) -> None:
    path = write_nifti(tmp_path / "x.nii", voxels())
    raw = bytearray(path.read_bytes())
    raw[40:56] = np.array([3, 30000, 30000, 30000, 1, 1, 1, 1], np.int16).tobytes()
    path.write_bytes(bytes(raw))
    with pytest.raises(DataError, match=r"x\.nii: cannot be read"):
        read_volume(path)


def test_an_unpacked_file_with_a_packed_name_is_read(tmp_path: Path) -> None:
    path = write_nifti(tmp_path / "x.nii.gz", voxels())
    path.write_bytes(gzip.decompress(path.read_bytes()))
    np.testing.assert_array_equal(read_volume(path).voxels, voxels())


def test_nifti_2_is_read(tmp_path: Path) -> None:
    nib.save(nib.Nifti2Image(voxels(), lps_affine()), tmp_path / "x.nii.gz")
    np.testing.assert_array_equal(read_volume(tmp_path / "x.nii.gz").voxels, voxels())


def test_a_packed_header_is_held_against_its_file_before_anything_is_allocated(tmp_path: Path) -> None:
    path = write_nifti(tmp_path / "x.nii.gz", voxels())
    raw = bytearray(gzip.decompress(path.read_bytes()))
    raw[40:48] = np.array([3, 3000, 3000, 300], np.int16).tobytes()
    path.write_bytes(gzip.compress(bytes(raw)))
    with pytest.raises(DataError, match=r"its header asks for 5,400,000,352 bytes, the file has"):
        read_volume(path)


def test_a_packed_file_that_goes_on_behind_its_voxels_fails(tmp_path: Path) -> None:
    path = write_nifti(tmp_path / "x.nii.gz", voxels())
    path.write_bytes(gzip.compress(gzip.decompress(path.read_bytes()) + bytes(2**26 + 2000)))
    with pytest.raises(DataError, match="behind its last voxel"):
        read_volume(path)


@pytest.mark.parametrize("ending", ["nii", "nii.gz"])
def test_a_long_extension_of_the_header_is_passed_over(tmp_path: Path, ending: str) -> None:
    image = nib.Nifti1Image(voxels(), lps_affine())
    image.header.extensions.append(nib.nifti1.Nifti1Extension("comment", b"names of classes " * 1000))
    nib.save(image, tmp_path / f"x.{ending}")
    np.testing.assert_array_equal(read_volume(tmp_path / f"x.{ending}").voxels, voxels())


def test_a_small_unpacked_file_takes_little_memory(tmp_path: Path) -> None:
    path = write_nifti(tmp_path / "x.nii", voxels())
    read_volume(path)  # loads what is loaded once
    tracemalloc.start()
    read_volume(path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2**20
