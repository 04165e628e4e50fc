from pathlib import Path

import numpy as np
import pytest

from bench.data.case import DataError, Defect, Item
from bench.data.datasets import load
from bench.data.datasets.totalsegmentator import TABLE_1_CLASSES
from tests.helpers.layouts import SHAPE, corner, spoil_checksum, totalsegmentator, voxels, write_nifti

MRI, CT = load("totalsegmentator-mri"), load("totalsegmentator-ct")
EMPTY = np.zeros(SHAPE, np.uint8)


def item(root: Path, dataset=MRI) -> Item:
    (entry,) = dataset.index(root)
    assert isinstance(entry, Item), entry
    return entry


def test_the_paper_rows_pool_both_sides() -> None:
    assert len(MRI.rows) == 12
    assert MRI.rows["Kidney"] == ("kidney_left", "kidney_right")
    assert len(TABLE_1_CLASSES) == 15


def test_mri_reads_the_classes_of_the_paper_that_have_foreground(tmp_path: Path) -> None:
    masks = {"liver": corner(), "kidney_left": corner(), "spleen": EMPTY, "femur_left": corner()}
    totalsegmentator(tmp_path, "s0003", "mri", masks)
    found = item(tmp_path)
    assert (found.case, found.patient, found.modality) == ("s0003", "s0003", "MR")
    assert found.files.keys() == {"image", "liver", "kidney_left", "spleen"}
    case = MRI.read(found)
    assert case.masks.keys() == {"liver", "kidney_left"}
    np.testing.assert_array_equal(case.image, voxels())


def test_ct_reads_all_classes_by_file_name(tmp_path: Path) -> None:
    totalsegmentator(tmp_path, "s0001", "ct", {"heart_atrium_left": corner(), "vertebrae_T9": corner(), "brain": EMPTY})
    found = item(tmp_path, CT)
    assert found.modality == "CT"
    assert CT.read(found).masks.keys() == {"heart_atrium_left", "vertebrae_T9"}


@pytest.mark.parametrize("delimiter", [";", ",", "\t"])
def test_the_split_is_kept_whatever_separates_the_columns(tmp_path: Path, delimiter: str) -> None:
    for subject in ("s0001", "s0010"):
        totalsegmentator(tmp_path, subject, "mri", {"liver": corner()})
    rows = [("image_id", "institute", "split"), ("s0001", "A", "train"), ("s0010", "B", "test")]
    text = "\n".join(delimiter.join(row) for row in rows)
    (tmp_path / "meta.csv").write_text("\ufeff" + text, "utf-8")
    assert [entry.details["split"] for entry in MRI.index(tmp_path) if isinstance(entry, Item)] == ["train", "test"]


def test_no_meta_file_means_no_split(tmp_path: Path) -> None:
    totalsegmentator(tmp_path, "s0001", "mri", {"liver": corner()})
    assert item(tmp_path).details["split"] == ""


def test_orphans_are_skipped(tmp_path: Path) -> None:
    totalsegmentator(tmp_path, "s0001", "mri", {"liver": corner()})
    write_nifti(tmp_path / "s0002/mri.nii.gz", voxels())
    write_nifti(tmp_path / "s0005/segmentations/liver.nii.gz", corner())
    _, image, masks = MRI.index(tmp_path)
    assert isinstance(image, Defect) and isinstance(masks, Defect)
    assert (image.kind, image.reason) == ("skipped", "s0002/mri.nii.gz: image without masks")
    assert (masks.kind, masks.reason) == ("skipped", "s0005/segmentations: masks without image mri.nii.gz")


def test_a_subject_with_empty_masks_only_is_skipped(tmp_path: Path) -> None:
    totalsegmentator(tmp_path, "s0026", "mri", {"liver": EMPTY, "spleen": EMPTY})
    with pytest.raises(DataError, match="no foreground in the masks of s0026") as caught:
        MRI.read(item(tmp_path))
    assert caught.value.kind == "skipped"


def test_a_sagittal_image_with_masks_stored_otherwise_is_brought_together(tmp_path: Path) -> None:
    write_nifti(tmp_path / "s0001/mri.nii.gz", voxels(), codes="PSR")
    write_nifti(tmp_path / "s0001/segmentations/liver.nii.gz", corner(), codes="RAS")
    case = MRI.read(item(tmp_path))
    np.testing.assert_array_equal(case.image, voxels())
    np.testing.assert_array_equal(case.masks["liver"], corner() > 0)
    assert case.spacing_mm == pytest.approx((2, 1, 3))
    assert case.warnings == ()


@pytest.mark.parametrize("name", ["s0001/ct.nii.gz", "s0001/segmentations/liver.nii.gz"])
def test_a_wrong_checksum_fails_with_the_file(tmp_path: Path, name: str) -> None:
    totalsegmentator(tmp_path, "s0001", "ct", {"liver": corner()})
    spoil_checksum(tmp_path / name)
    with pytest.raises(DataError, match=f"{Path(name).name}: cannot be read") as caught:
        CT.read(item(tmp_path, CT))
    assert caught.value.kind == "failed"


def test_a_mask_of_another_grid_fails(tmp_path: Path) -> None:
    totalsegmentator(tmp_path, "s0001", "ct", {"heart": corner((3, 3, 3))})
    with pytest.raises(DataError, match=r"heart\.nii\.gz: shape \(3, 3, 3\) differs from \(6, 7, 5\) of s0001/ct"):
        CT.read(item(tmp_path, CT))


def test_soft_masks_are_cut_at_half_with_a_warning(tmp_path: Path) -> None:
    soft = np.zeros(SHAPE, np.float32)
    soft[0, 0, :3] = (0.2, 0.6, 1)
    totalsegmentator(tmp_path, "s0001", "mri", {"liver": soft})
    case = MRI.read(item(tmp_path))
    assert case.masks["liver"].sum() == 2
    assert "cut at 0.5" in case.warnings[0]


def test_files_of_other_systems_are_ignored(tmp_path: Path) -> None:
    folder = totalsegmentator(tmp_path, "s0001", "ct", {"liver": corner()})
    (folder / "segmentations/._liver.nii.gz").write_bytes(b"resource fork")
    assert item(tmp_path, CT).files.keys() == {"image", "liver"}


def test_endings_in_capitals_are_read(tmp_path: Path) -> None:
    folder = totalsegmentator(tmp_path, "s0001", "mri", {"liver": corner(), "spleen": corner()})
    for old, new in (("segmentations/spleen.nii.gz", "segmentations/SPLEEN.NII.GZ"), ("mri.nii.gz", "MRI.NII.GZ")):
        (folder / old).rename(folder / new)
    assert MRI.read(item(tmp_path)).masks.keys() == {"liver", "spleen"}


def test_two_files_of_a_class_are_a_defect_of_that_class(tmp_path: Path) -> None:
    folder = totalsegmentator(tmp_path, "s0001", "ct", {"liver": corner(), "spleen": corner()})
    write_nifti(folder / "segmentations/liver.nii", corner())
    found, defect = CT.index(tmp_path)
    assert isinstance(found, Item) and found.files.keys() == {"image", "spleen"}
    assert isinstance(defect, Defect) and (defect.kind, defect.target) == ("failed", "liver")


def test_a_class_named_as_not_scored_is_none(tmp_path: Path) -> None:
    totalsegmentator(tmp_path, "s0001", "ct", {"liver": corner(), "Void": corner()[::-1]})
    case = CT.read(item(tmp_path, CT))
    assert case.masks.keys() == {"liver"}
    assert "6 values of 'Void' are named as not scored; they count as background" in case.warnings


def listed(root: Path, subjects: int, splits: tuple[str, ...] = ("train", "test")) -> None:
    rows = [f"s{number:04};{splits[number % len(splits)]}" for number in range(subjects)]
    (root / "meta.csv").write_text("\n".join(["image_id;split", *rows]))


def found(root: Path, dataset, *classes: str) -> str:
    image = "mri" if dataset is MRI else "ct"
    totalsegmentator(root, "s0001", image, dict.fromkeys(classes, corner()))
    return dataset.release(root).name


def test_a_folder_of_v3_is_told_from_v2_and_v1(tmp_path: Path) -> None:
    assert found(tmp_path / "a", CT, "vertebrae_L6", "vertebrae_L5", "atrial_appendage_left") == "v3"
    assert found(tmp_path / "b", CT, "vertebrae_S1", "vertebrae_L5", "atrial_appendage_left") == "v2"
    assert found(tmp_path / "c", CT, "heart_atrium_left", "vertebrae_L5") == "v1"
    assert found(tmp_path / "d", MRI, "liver", "fibula") == "v1"
    # The folder that both archives of v3 hold.
    assert found(tmp_path / "mr/Totalsegmentator_dataset_v300", MRI, "liver", "scapula_left") == "v3"
    assert found(tmp_path / "ct/Totalsegmentator_dataset_v300", CT, "liver") == "v3"
    assert found(tmp_path / "TotalsegmentatorMRI_dataset_v200", MRI, "liver", "scapula_left") == "v2"


@pytest.mark.parametrize(("subjects", "release"), [(1296, "v3"), (616, "v2"), (298, "v1"), (600, "unknown release")])
def test_a_part_of_a_release_is_told_by_its_list(tmp_path: Path, subjects: int, release: str) -> None:
    totalsegmentator(tmp_path, "s0001", "mri", {"liver": corner()})
    listed(tmp_path, subjects)
    told = MRI.release(tmp_path)
    assert told.name == release and f"1 subjects, {subjects:,} in meta.csv" in told.seen


def test_signs_that_contradict_each_other_and_a_damaged_list_decide_nothing(tmp_path: Path) -> None:
    assert found(tmp_path / "both", CT, "vertebrae_L6", "vertebrae_S1") == "unknown release"
    folder = tmp_path / "Totalsegmentator_dataset_v300"
    listed_before = found(folder, CT, "liver")
    listed(folder, 30, ("train", "val", "test"))
    assert (listed_before, CT.release(folder).name) == ("v3", "unknown release")
    (folder / "meta.csv").unlink()
    (folder / "meta.csv").symlink_to("nowhere")
    assert "no meta.csv" in CT.release(folder).seen
