from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from nibabel.orientations import axcodes2ornt, ornt_transform

from bench.data.case import DataError
from bench.data.reading.nifti import read_label_volume, read_volume
from bench.data.reading.volumes import Volume, displacement_mm, label_on_grid, resample
from tests.helpers.layouts import (
    SHAPE,
    corner,
    finer_grid,
    lps_affine,
    voxels,
    write_nifti,
)


def volume(array: np.ndarray, affine: np.ndarray) -> Volume:
    return Volume(Path("f/x.nii"), array, (2, 1, 3), affine, np.array([[0, 1], [1, 1], [2, 1]]), ())


def test_unequal_shapes_are_never_compared() -> None:
    image, label = volume(voxels(), lps_affine()), volume(voxels((6, 7, 4)), lps_affine())
    with pytest.raises(DataError, match=r"\(6, 7, 4\) differs from \(6, 7, 5\)") as caught:
        label_on_grid(image, label)
    assert caught.value.kind == "failed"


@pytest.mark.parametrize(("shift_mm", "warned"), [(0.05, False), (0.2, True), (40, True)])
def test_a_shifted_affine_is_warned_of_above_a_tenth_of_a_voxel(shift_mm: float, warned: bool) -> None:
    moved = lps_affine()
    moved[2, 3] += shift_mm
    pair = volume(voxels(), lps_affine()), volume(voxels(), moved)
    _, warnings = label_on_grid(*pair, trust_arrays=True)
    assert (f"by up to {shift_mm:g} mm" in "".join(warnings)) == warned
    if warned:
        with pytest.raises(DataError, match=f"by up to {shift_mm:g} mm.*--trust-arrays"):
            label_on_grid(*pair)
    else:
        assert label_on_grid(*pair)[1] == ()


def test_displacement_is_that_of_the_farthest_corner() -> None:
    wider = np.diag([-2.1, -1, 3, 1.0])
    assert displacement_mm(np.diag([-2, -1, 3, 1.0]), wider, (11, 5, 5)) == pytest.approx(1.0)


def test_resampling_a_linear_ramp_is_exact_and_nan_outside() -> None:
    ramp, fine = finer_grid()
    target = volume(voxels(), lps_affine())
    moved = resample(volume(ramp, fine), target)
    i, j, k = np.indices(SHAPE)
    np.testing.assert_allclose(moved, i + 10 * j + 100 * k, rtol=1e-5)
    far = lps_affine()
    far[2, 3] += 3
    outside = resample(volume(ramp, fine), volume(voxels(), far))
    assert np.isnan(outside[..., -1]).all()
    np.testing.assert_allclose(outside[..., :-1], moved[..., 1:], rtol=1e-5)


def test_resampling_onto_itself_changes_nothing() -> None:
    source = volume(voxels().astype(np.float32), lps_affine())
    np.testing.assert_array_equal(resample(source, source), source.voxels)


def test_volumes_apart_fail() -> None:
    far = lps_affine()
    far[0, 3] += 1000
    with pytest.raises(DataError, match="do not overlap"):
        resample(volume(voxels(), lps_affine()), volume(voxels(), far))


@pytest.mark.parametrize("codes", ["RAS", "PSR", "ILA"])
def test_trusted_arrays_match_as_they_are_stored(tmp_path: Path, codes: str) -> None:
    stored = corner()
    nib.save(nib.Nifti1Image(np.where(stored, 200, -100).astype(np.int16), lps_affine()), tmp_path / "i.nii")
    turn = ornt_transform(axcodes2ornt(tuple(codes)), axcodes2ornt(("R", "A", "S")))
    affine = np.eye(4)[[*turn[:, 0].astype(int), 3]]
    nib.save(nib.Nifti1Image(stored, affine), tmp_path / "m.nii")
    image, label = read_volume(tmp_path / "i.nii"), read_label_volume(tmp_path / "m.nii")
    voxels, (warning,) = label_on_grid(image, label, trust_arrays=True)
    np.testing.assert_array_equal(image.voxels == 200, voxels == 1)
    assert "the stored arrays are taken to match voxel by voxel, both turned by the image's header" in warning
    with pytest.raises(DataError, match="--trust-arrays"):
        label_on_grid(image, label)


def test_headers_that_agree_are_heeded_though_arrays_are_trusted(tmp_path: Path) -> None:
    image = read_volume(write_nifti(tmp_path / "i.nii", voxels()))
    label = read_label_volume(write_nifti(tmp_path / "m.nii", voxels(), codes="PSR"))
    found, warnings = label_on_grid(image, label, trust_arrays=True)
    np.testing.assert_array_equal(found, voxels())
    assert warnings == ()


def test_trusted_arrays_of_another_stored_shape_fail() -> None:
    image, label = volume(voxels(), lps_affine()), volume(voxels((6, 7, 4)), lps_affine())
    with pytest.raises(DataError, match=r"stored arrays do not match either: \(6, 7, 4\) and \(6, 7, 5\)"):
        label_on_grid(image, label, trust_arrays=True)
