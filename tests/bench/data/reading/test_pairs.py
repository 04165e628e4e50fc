from pathlib import Path

import pytest

from bench.data import catalogue
from bench.data.case import Defect, Item
from bench.data.datasets import load
from tests.helpers.layouts import corner, cut, spoil_checksum, voxels, write_nifti
from tests.helpers.source_layouts import acdc, amos, btcv, volumes, word


def index(name: str, root: Path) -> tuple[list[Item], list[Defect]]:
    return catalogue.index(name, root, None)


def test_cases_are_named_by_their_files_with_patient_and_split(tmp_path: Path) -> None:
    acdc(tmp_path, 1)
    acdc(tmp_path, 101, "testing")
    items, defects = index("acdc", tmp_path)
    assert defects == []
    assert [(item.case, item.patient, item.details["split"]) for item in items] == [
        ("patient001_frame01", "patient001", "train"),
        ("patient001_frame12", "patient001", "train"),
        ("patient101_frame01", "patient101", "test"),
        ("patient101_frame12", "patient101", "test"),
    ]


def test_orphans_doubles_and_strays_are_records(tmp_path: Path) -> None:
    for number in (1, 2, 3, 4):
        word(tmp_path, number=number)
    (tmp_path / "labelsTr/word_0001.nii.gz").unlink()
    (tmp_path / "imagesTr/word_0002.nii.gz").unlink()
    write_nifti(tmp_path / "labelsTr/word_0003.nii", corner())
    write_nifti(tmp_path / "imagesTr/copy of word_0004.nii.gz", voxels())
    items, defects = index("word", tmp_path)
    assert [item.case for item in items] == ["word_0004"]
    assert [(one.case, one.kind, one.reason) for one in defects] == [
        ("copy of word_0004", "skipped",
         "imagesTr/copy of word_0004.nii.gz: not named as the images and labels of word are"),
        ("word_0001", "skipped", "imagesTr/word_0001.nii.gz: image without mask"),
        ("word_0002", "skipped", "labelsTr/word_0002.nii.gz: mask without image"),
        ("word_0003", "failed", "more than one mask of word_0003: labelsTr/word_0003.nii, "
         "labelsTr/word_0003.nii.gz; keep one of them"),
    ]  # fmt: skip


def test_a_case_in_two_parts_is_not_chosen_between(tmp_path: Path) -> None:
    word(tmp_path, "Tr")
    word(tmp_path, "Ts")
    items, (defect,) = index("word", tmp_path)
    assert items == [] and defect.reason.startswith("more than one image of word_0002: imagesTr/word_0002.nii.gz, ")


def test_capitals_of_files_and_folders_do_not_matter(tmp_path: Path) -> None:
    word(tmp_path)
    (tmp_path / "imagesTr/word_0002.nii.gz").rename(tmp_path / "imagesTr/WORD_0002.NII.GZ")
    (tmp_path / "imagesTr").rename(tmp_path / "ImagesTR")
    ((item,), defects) = index("word", tmp_path)
    assert defects == [] and catalogue.read(item).masks.keys() == {"liver"}


@pytest.mark.parametrize("harm", [cut, spoil_checksum])
def test_a_damaged_file_is_a_reason_and_others_go_on(tmp_path: Path, harm) -> None:  # type: ignore[no-untyped-def]
    btcv(tmp_path, 1)
    btcv(tmp_path, 2)
    harm(tmp_path / "RawData/Training/label/label0001.nii.gz")
    first, second = index("btcv", tmp_path)[0]
    with pytest.raises(ValueError, match=r"label0001\.nii\.gz: cannot be read"):
        catalogue.read(first)
    assert catalogue.read(second).masks


def test_links_to_folders_are_not_entered(tmp_path: Path) -> None:
    amos(tmp_path / "data", 4)
    volumes(tmp_path / "elsewhere", "amos_0005", "amos_0006")
    (tmp_path / "data/imagesVa").symlink_to(tmp_path / "elsewhere")
    items, defects = index("amos-ct", tmp_path / "data")
    assert [item.case for item in items] == ["amos_0004"]
    assert [one.case for one in defects] == ["imagesVa"] and "a link to the folder" in defects[0].reason


def test_what_holds_one_case_is_a_root_and_what_holds_none_is_not(tmp_path: Path) -> None:
    amos(tmp_path / "a", 499)
    assert [list(load(name).find(tmp_path)) for name in ("amos-ct", "amos-mri")] == [[tmp_path / "a"], []]
