import shutil
from pathlib import Path

import numpy as np
import pytest

from bench.data.case import DataError, Defect, Item
from bench.data.datasets import load
from tests.helpers.layouts import SHAPE, corner, cut, segthor, voxels, write_nifti

SEGTHOR = load("segthor")


def test_organs_by_name_and_absent_ones_left_out(tmp_path: Path) -> None:
    segthor(tmp_path)
    (item,) = SEGTHOR.index(tmp_path)
    assert isinstance(item, Item)
    assert (item.patient, item.modality) == ("Patient_01", "CT")
    case = SEGTHOR.read(item)
    assert {name: int(mask.sum()) for name, mask in case.masks.items()} == {"heart": 6, "aorta": 1}
    assert case.masks["aorta"][4, 4, 4]
    assert case.warnings == ()


@pytest.mark.parametrize(("value", "name"), list(enumerate(["esophagus", "heart", "trachea", "aorta"], 1)))
def test_label_values(tmp_path: Path, value: int, name: str) -> None:
    segthor(tmp_path, label=corner(value=value))
    (item,) = SEGTHOR.index(tmp_path)
    assert isinstance(item, Item)
    assert set(SEGTHOR.read(item).masks) == {name}


def test_rows_are_those_of_the_paper() -> None:
    assert list(SEGTHOR.rows) == ["Esophagus", "Heart", "Aorta", "Trachea"]


def test_patient_folders_without_train_and_unpacked_labels(tmp_path: Path) -> None:
    write_nifti(tmp_path / "Patient_07/Patient_07.nii.gz", voxels())
    write_nifti(tmp_path / "Patient_07/GT.nii", corner())
    assert list(SEGTHOR.find(tmp_path)) == [tmp_path]
    (item,) = SEGTHOR.index(tmp_path)
    assert isinstance(item, Item)
    assert SEGTHOR.read(item).masks


def test_test_patients_and_altered_labels_are_no_cases(tmp_path: Path) -> None:
    segthor(tmp_path, 2)
    write_nifti(tmp_path / "train/Patient_03/GT.nii.gz", corner())
    write_nifti(tmp_path / "train/Patient_04/Patient_04.nii.gz", voxels())
    write_nifti(tmp_path / "train/Patient_04/GT2.nii.gz", corner())
    write_nifti(tmp_path / "test/Patient_41.nii.gz", voxels())
    entries = SEGTHOR.index(tmp_path)
    assert isinstance(entries[0], Item)
    assert [(entry.case, entry.kind, entry.reason) for entry in entries if isinstance(entry, Defect)] == [
        ("Patient_03", "skipped", "Patient_03/GT.nii.gz: mask without image"),
        ("Patient_04", "skipped", "Patient_04/Patient_04.nii.gz: image without mask (GT.nii.gz)"),
        ("Patient_41", "skipped", "test/Patient_41.nii.gz: image without mask (GT.nii.gz)"),
    ]


@pytest.mark.parametrize(
    ("label", "kind", "reason"),
    [
        (np.zeros(SHAPE, np.uint8), "skipped", "no foreground in the masks of Patient_01"),
        (corner((6, 7, 6)), "failed", r"GT\.nii\.gz: shape \(6, 7, 6\) differs"),
        (corner() * 0.5, "failed", "not whole numbers, such as 0.5"),
    ],
)
def test_labels_that_cannot_be_used(tmp_path: Path, label: np.ndarray, kind: str, reason: str) -> None:
    segthor(tmp_path, label=label)
    (item,) = SEGTHOR.index(tmp_path)
    assert isinstance(item, Item)
    with pytest.raises(DataError, match=reason) as caught:
        SEGTHOR.read(item)
    assert caught.value.kind == kind


def test_a_truncated_label_fails(tmp_path: Path) -> None:
    segthor(tmp_path)
    cut(tmp_path / "train/Patient_01/GT.nii.gz")
    (item,) = SEGTHOR.index(tmp_path)
    assert isinstance(item, Item)
    with pytest.raises(DataError, match=r"Patient_01/GT\.nii\.gz: cannot be read \(EOFError"):
        SEGTHOR.read(item)


def test_an_unknown_value_fails_with_its_count(tmp_path: Path) -> None:
    label = corner()
    label[5, 6, 4] = 9
    segthor(tmp_path, label=label)
    (item,) = SEGTHOR.index(tmp_path)
    assert isinstance(item, Item)
    with pytest.raises(
        DataError, match=r"Patient_01/GT\.nii\.gz: values without a class \(and their counts\): 9 \(1\)"
    ):
        SEGTHOR.read(item)


def test_an_altered_copy_is_named_and_not_taken(tmp_path: Path) -> None:
    segthor(tmp_path)
    write_nifti(tmp_path / "denoised/Patient_01.nii.gz", voxels())
    (item,) = SEGTHOR.index(tmp_path)
    assert isinstance(item, Item)
    assert item.files["image"].parent.name == "Patient_01"
    assert "images in other folders not read: denoised/Patient_01.nii.gz" in SEGTHOR.read(item).warnings


def test_two_label_maps_of_a_patient_fail(tmp_path: Path) -> None:
    segthor(tmp_path)
    write_nifti(tmp_path / "train/Patient_01/GT.nii", corner())
    (defect,) = SEGTHOR.index(tmp_path)
    assert isinstance(defect, Defect)
    assert defect.reason == "more than one label map: Patient_01/GT.nii, Patient_01/GT.nii.gz; keep one of them"


def test_letters_of_files_and_folders_may_differ_in_capitals(tmp_path: Path) -> None:
    segthor(tmp_path)
    patient = tmp_path / "train/Patient_01"
    (patient / "GT.nii.gz").rename(patient / "gt.NII.GZ")
    (patient / "Patient_01.nii.gz").rename(patient / "patient_01.nii.gz")
    (item,) = SEGTHOR.index(tmp_path)
    assert isinstance(item, Item) and SEGTHOR.read(item).masks.keys() == {"heart", "aorta"}


def test_patients_that_differ_in_capitals_fail(tmp_path: Path) -> None:
    segthor(tmp_path)
    shutil.copytree(tmp_path / "train/Patient_01", tmp_path / "train/patient_01")
    (defect,) = SEGTHOR.index(tmp_path)
    assert isinstance(defect, Defect) and defect.kind == "failed"
    assert defect.reason == "more than one label map: Patient_01/GT.nii.gz, patient_01/GT.nii.gz; keep one of them"
