from pathlib import Path

import numpy as np
import pytest

from bench.data import catalogue
from bench.data.case import DataError, Defect, Item
from bench.data.datasets import load
from bench.data.datasets.isles2022 import TARGET
from tests.helpers.layouts import SHAPE, corner, isles_a, isles_b, lps_affine, spoil_checksum, voxels, write_nifti


def item(root: Path, name: str = "isles2022") -> Item:
    (entry,) = load(name).index(root)
    assert isinstance(entry, Item), entry
    return entry


@pytest.mark.parametrize("write", [isles_a, isles_b])
@pytest.mark.parametrize(("name", "offset"), [("isles2022", 0), ("isles2022-adc", 1000)])
def test_dwi_and_adc_of_both_layouts(tmp_path: Path, write, name: str, offset: int) -> None:
    subject = write(tmp_path)
    found = item(tmp_path, name)
    assert (found.patient, found.case, found.modality) == (subject, subject, "MR")
    case = load(name).read(found)
    np.testing.assert_array_equal(case.image, voxels() + (offset if write is isles_a else 0))
    assert case.masks.keys() == {TARGET}
    np.testing.assert_array_equal(case.masks[TARGET], corner() > 0)
    assert case.spacing_mm == (2, 1, 3)


def test_flair_comes_to_the_grid_of_the_mask_by_affine(tmp_path: Path) -> None:
    isles_a(tmp_path)
    case = load("isles2022-flair").read(item(tmp_path, "isles2022-flair"))
    i, j, k = np.indices(SHAPE)
    np.testing.assert_allclose(case.image, i + 10 * j + 100 * k, rtol=1e-5)
    np.testing.assert_allclose(case.affine, lps_affine(), atol=1e-5)
    np.testing.assert_array_equal(case.masks[TARGET], corner() > 0)


def test_mask_outside_of_flair_is_warned_of(tmp_path: Path) -> None:
    subject = isles_a(tmp_path)
    far = lps_affine()
    far[2, 3] += 6
    path = tmp_path / subject / f"ses-0001/anat/{subject}_ses-0001_FLAIR.nii.gz"
    write_nifti(path, voxels(), far)
    case = load("isles2022-flair").read(item(tmp_path, "isles2022-flair"))
    assert case.warnings == (f"{int(corner().sum())} mask voxels lie outside of the image",)
    assert np.isfinite(case.image).all()


def test_a_dwi_of_another_grid_is_refused_not_resampled(tmp_path: Path) -> None:
    subject = isles_a(tmp_path)
    write_nifti(tmp_path / subject / f"ses-0001/dwi/{subject}_ses-0001_dwi.nii.gz", voxels((6, 7, 4)))
    with pytest.raises(DataError, match=r"_msk\.nii\.gz: shape \(6, 7, 5\) differs from \(6, 7, 4\)"):
        load("isles2022").read(item(tmp_path))


def test_flat_copies_and_any_case_of_letters(tmp_path: Path) -> None:
    for token, array in (("DWI", voxels()), ("adc", voxels()), ("Flair", voxels()), ("msk", corner())):
        write_nifti(tmp_path / f"sub-strokecase0011_{token}.nii.gz", array)
    assert list(load("isles2022").find(tmp_path)) == [tmp_path]
    found = item(tmp_path)
    assert found.case == "sub-strokecase0011"
    assert load("isles2022-flair").read(item(tmp_path, "isles2022-flair")).masks


def test_a_nested_mirror_is_found(tmp_path: Path) -> None:
    isles_a(tmp_path / "ISLES-2022" / "ISLES-2022")
    assert list(load("isles2022").find(tmp_path)) == [tmp_path / "ISLES-2022" / "ISLES-2022"]


def test_orphans_are_skipped_with_a_reason_and_ids_have_gaps(tmp_path: Path) -> None:
    for number in (2, 7, 11):
        isles_a(tmp_path, number)
    (tmp_path / "sub-strokecase0002/ses-0001/dwi/sub-strokecase0002_ses-0001_dwi.nii.gz").unlink()
    (tmp_path / "derivatives/sub-strokecase0011/ses-0001/sub-strokecase0011_ses-0001_msk.nii.gz").unlink()
    first, second, third = load("isles2022").index(tmp_path)
    assert isinstance(first, Defect) and first.kind == "skipped"
    assert "sub-strokecase0002_ses-0001_msk.nii.gz: mask without DWI image" in first.reason
    assert isinstance(second, Item)
    assert isinstance(third, Defect) and third.kind == "skipped"
    assert "sub-strokecase0011_ses-0001_dwi.nii.gz: image without mask" in third.reason


def test_an_empty_mask_is_skipped(tmp_path: Path) -> None:
    isles_a(tmp_path, 150, np.zeros(SHAPE, np.uint16))
    with pytest.raises(DataError, match=r"0150_ses-0001_msk\.nii\.gz: empty mask") as caught:
        load("isles2022").read(item(tmp_path))
    assert caught.value.kind == "skipped"


def test_a_wrong_checksum_fails(tmp_path: Path) -> None:
    subject = isles_a(tmp_path)
    spoil_checksum(tmp_path / f"{subject}/ses-0001/dwi/{subject}_ses-0001_dwi.nii.gz")
    with pytest.raises(DataError, match="CRC") as caught:
        load("isles2022").read(item(tmp_path))
    assert caught.value.kind == "failed"


def test_a_second_session_is_a_case_of_the_same_patient(tmp_path: Path) -> None:
    subject = isles_a(tmp_path)
    for token, array in (("dwi", voxels()), ("msk", corner())):
        write_nifti(tmp_path / subject / f"ses-0002/dwi/{subject}_ses-0002_{token}.nii.gz", array)
    first, second = load("isles2022").index(tmp_path)
    assert (first.case, second.case) == (subject, f"{subject}_ses-0002")
    assert first.patient == second.patient == subject


def test_a_copy_of_a_file_is_named_in_a_warning(tmp_path: Path) -> None:
    subject = isles_a(tmp_path)
    write_nifti(tmp_path / f"{subject}/ses-0001/{subject}_ses-0001_dwi.nii", voxels())
    warnings = load("isles2022").read(item(tmp_path)).warnings
    assert warnings == (f"further copies not read: ses-0001/{subject}_ses-0001_dwi.nii",)


def test_a_constant_image_is_warned_of(tmp_path: Path) -> None:
    subject = isles_a(tmp_path)
    write_nifti(tmp_path / f"{subject}/ses-0001/dwi/{subject}_ses-0001_dwi.nii.gz", np.full(SHAPE, 3, np.int16))
    assert load("isles2022").read(item(tmp_path)).warnings == ("all voxels of the image are 3",)


def test_a_mask_with_a_stale_origin_fails_unless_arrays_are_trusted(tmp_path: Path) -> None:
    subject = isles_a(tmp_path)
    stale = lps_affine()
    stale[:3, 3] = 0
    write_nifti(tmp_path / f"derivatives/{subject}/ses-0001/{subject}_ses-0001_msk.nii.gz", corner(), stale)
    with pytest.raises(DataError, match=r"affine differs .* 37\.4 mm.*--trust-arrays") as caught:
        load("isles2022").read(item(tmp_path))
    assert caught.value.kind == "failed"
    (trusted,), _ = catalogue.index("isles2022", tmp_path, None, trust_arrays=True)
    (warning,) = catalogue.read(trusted).warnings
    assert "affine differs" in warning and "37.4 mm" in warning


def test_a_subject_with_neither_image_nor_mask_is_skipped_not_lost(tmp_path: Path) -> None:
    subject = isles_a(tmp_path)
    for path in [*tmp_path.rglob("*_dwi.nii.gz"), *tmp_path.rglob("*_msk.nii.gz")]:
        path.unlink()
    (defect,) = load("isles2022").index(tmp_path)
    assert isinstance(defect, Defect)
    assert (defect.patient, defect.kind) == (subject, "skipped") and "neither DWI image nor mask" in defect.reason
