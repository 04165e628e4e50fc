from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from bench.data.case import DataError
from bench.data.reading.nifti import read_label_volume, read_volume
from bench.data.reading.volumes import stored_order
from tests.helpers.layouts import (
    SHAPE,
    corner,
    lps_affine,
    voxels,
    write_nifti,
)


@pytest.mark.parametrize("codes", ["LPS", "RAS", "LAS", "PSR", "SLA", "IPL"])
def test_any_axis_order_is_turned_to_lps_without_moving_a_voxel(tmp_path: Path, codes: str) -> None:
    path = write_nifti(tmp_path / "x.nii.gz", voxels(), codes=codes)
    volume = read_volume(path)
    np.testing.assert_array_equal(volume.voxels, voxels())
    np.testing.assert_allclose(volume.affine, lps_affine(), atol=1e-5)
    assert volume.spacing_mm == pytest.approx((2, 1, 3))
    assert volume.voxels.dtype == np.int16
    assert volume.warnings == ()


def test_an_oblique_volume_keeps_its_rotation(tmp_path: Path) -> None:
    angle = np.deg2rad(20)
    rotation = np.eye(4)
    rotation[1:3, 1:3] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    volume = read_volume(write_nifti(tmp_path / "x.nii", voxels(), rotation @ lps_affine(), codes="RAS"))
    np.testing.assert_array_equal(volume.voxels, voxels())
    np.testing.assert_allclose(volume.affine, rotation @ lps_affine(), atol=1e-4)
    assert volume.spacing_mm == pytest.approx((2, 1, 3), abs=1e-5)


def test_each_voxel_keeps_its_place_in_space(tmp_path: Path) -> None:
    affine = np.array([[0, 0, 5, 1], [-2, 0.1, 0, 2], [0, 3, 0, 4], [0, 0, 0, 1]], float)
    nib.save(nib.Nifti1Image(voxels(), affine), tmp_path / "x.nii")
    volume = read_volume(tmp_path / "x.nii")
    for index in [(0, 0, 0), (5, 6, 4), (1, 2, 3)]:
        here = np.argwhere(volume.voxels == voxels()[index])[0]
        np.testing.assert_allclose(volume.affine @ [*here, 1], affine @ [*index, 1], atol=1e-2)


def test_four_dimensions_fail_with_the_shape_and_the_way_out(tmp_path: Path) -> None:
    nib.save(nib.Nifti1Image(np.zeros((4, 4, 4, 30), np.int16), lps_affine()), tmp_path / "p_4d.nii.gz")
    with pytest.raises(DataError, match=r"p_4d.*\(4, 4, 4, 30\).*choose one channel or frame.*four_to_three"):
        read_volume(tmp_path / "p_4d.nii.gz")


def test_a_fourth_axis_of_length_one_is_dropped(tmp_path: Path) -> None:
    nib.save(nib.Nifti1Image(voxels()[..., None], lps_affine()), tmp_path / "x.nii")
    assert read_volume(tmp_path / "x.nii").voxels.shape == SHAPE


def test_colour_voxels_fail(tmp_path: Path) -> None:
    rgb = np.zeros((3, 3, 3), [("R", "u1"), ("G", "u1"), ("B", "u1")])
    nib.save(nib.Nifti1Image(rgb, np.eye(4)), tmp_path / "x.nii")
    with pytest.raises(DataError, match="one real number"):
        read_volume(tmp_path / "x.nii")


def test_spacing_is_the_zooms_where_the_sform_has_unit_scale(tmp_path: Path) -> None:
    image = nib.Nifti1Image(voxels(), np.diag([-1, -1, 1, 1]))
    image.set_qform(np.diag([-1.5, -1.25, 10, 1]), 1)
    nib.save(image, tmp_path / "x.nii.gz")
    volume = read_volume(tmp_path / "x.nii.gz")
    assert volume.spacing_mm == (1.5, 1.25, 10)
    np.testing.assert_allclose(np.diag(volume.affine), [-1.5, -1.25, 10, 1])
    assert "sform has voxel size" in volume.warnings[0]


def test_a_qform_elsewhere_is_warned_of(tmp_path: Path) -> None:
    image = nib.Nifti1Image(voxels(), lps_affine())
    moved = lps_affine()
    moved[0, 3] += 4
    image.set_qform(moved, 1)
    nib.save(image, tmp_path / "x.nii")
    (warning,) = read_volume(tmp_path / "x.nii").warnings
    assert warning.endswith("x.nii: sform and qform differ by up to 4 mm: took the sform")


def test_a_file_without_orientation_is_warned_of(tmp_path: Path) -> None:
    nib.save(nib.Nifti1Image(voxels(), None), tmp_path / "x.nii")
    assert "no orientation stored" in read_volume(tmp_path / "x.nii").warnings[0]


def test_voxels_that_are_no_numbers_take_the_lowest_value(tmp_path: Path) -> None:
    values = voxels().astype(np.float64) - 100
    values[0, 0, 0], values[1, 1, 1] = np.nan, np.inf
    volume = read_volume(write_nifti(tmp_path / "x.nii", values))
    assert volume.voxels.dtype == np.float32
    assert volume.voxels[0, 0, 0] == volume.voxels[1, 1, 1] == -98
    assert "2 values are not finite; set to -98" in volume.warnings[0]


def test_nothing_but_nan_fails(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no value is a finite number"):
        read_volume(write_nifti(tmp_path / "x.nii", np.full(SHAPE, np.nan, np.float32)))


@pytest.mark.parametrize(("unit", "side"), [("micron", 500.0), ("mm", 0.5), ("meter", 0.0005), ("unknown", 0.5)])
def test_units_of_the_header_are_heeded(tmp_path: Path, unit: str, side: float) -> None:
    image = nib.Nifti1Image(voxels(), np.diag([-side, -side, side, 1]))
    image.header.set_xyzt_units(unit)
    nib.save(image, tmp_path / "x.nii")
    found = read_volume(tmp_path / "x.nii")
    assert found.spacing_mm == (0.5, 0.5, 0.5)
    np.testing.assert_allclose(np.diag(found.affine), [-0.5, -0.5, 0.5, 1])
    assert found.warnings == ()


@pytest.mark.parametrize(("unit", "side"), [("mm", 500.0), ("unknown", 0.0005), ("meter", 1.0)])
def test_voxels_of_an_unusual_size_are_warned_of(tmp_path: Path, unit: str, side: float) -> None:
    image = nib.Nifti1Image(voxels(), np.diag([-side, -side, side, 1]))
    image.header.set_xyzt_units(unit)
    nib.save(image, tmp_path / "x.nii")
    assert f"unit of the header: {unit}; distances depend on it" in read_volume(tmp_path / "x.nii").warnings[0]


def test_spacings_have_the_digits_of_the_header(tmp_path: Path) -> None:
    nib.save(nib.Nifti1Image(voxels(), np.diag([-0.4, -0.7, 1.1, 1])), tmp_path / "x.nii")
    assert read_volume(tmp_path / "x.nii").spacing_mm == (0.4, 0.7, 1.1)


def test_big_endian_voxels_take_the_order_of_the_machine(tmp_path: Path) -> None:
    header = nib.Nifti1Header(endianness=">")
    header.set_data_dtype(">i2")
    nib.save(nib.Nifti1Image(voxels().astype(">i2"), lps_affine(), header), tmp_path / "x.nii.gz")
    found = read_volume(tmp_path / "x.nii.gz").voxels
    np.testing.assert_array_equal(found, voxels())
    assert found.dtype.isnative


@pytest.mark.parametrize("rest", [0, np.nan])
def test_labels_of_nothing_but_nan_and_0_fail(tmp_path: Path, rest: float) -> None:
    values = np.where(corner(), np.nan, rest).astype(np.float32)
    with pytest.raises(DataError, match=r"values are no number \(NaN\) and all others are 0"):
        read_label_volume(write_nifti(tmp_path / "x.nii", values))


def test_nan_in_labels_is_background_and_infinite_labels_fail(tmp_path: Path) -> None:
    values = np.where(corner(), 1, np.nan).astype(np.float32)
    label = read_label_volume(write_nifti(tmp_path / "x.nii", values))
    np.testing.assert_array_equal(label.voxels, corner())
    assert "204 values are no number; taken as background" in label.warnings[0]
    values[0, 0, 0] = np.inf
    with pytest.raises(DataError, match="1 infinite values"):
        read_label_volume(write_nifti(tmp_path / "x.nii", values))


def test_the_header_says_where_the_file_stores_its_voxels(tmp_path):
    path = write_nifti(tmp_path / "a.nii.gz", voxels(), codes="ASR")
    volume = read_volume(path)
    np.testing.assert_array_equal(stored_order(volume.voxels, volume.header.turn), nib.load(path).dataobj)
    assert volume.header.fields["pixdim"][1:4] == tuple(nib.load(path).header["pixdim"][1:4].tolist())
    assert "descrip" not in volume.header.fields
