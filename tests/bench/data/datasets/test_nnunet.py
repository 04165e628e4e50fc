from pathlib import Path

import numpy as np
import pytest

from bench.data import catalogue
from bench.data.case import DataError, Defect, Item
from bench.data.datasets import load
from tests.helpers.layouts import SHAPE, corner, nnunet, picture, square, voxels, write_json, write_nifti, write_png

NNUNET = load("nnunet")
VERSION_2 = {"background": 0, "liver": 1, "tumour": 2, "both": [1, 2], "ignore": 3}
VERSION_1 = {"0": "background", "1": "liver", "2": "tumour"}


def item(root: Path) -> Item:
    (entry,) = NNUNET.index(root)
    assert isinstance(entry, Item), entry
    return entry


def test_version_2_with_regions_and_ignored_voxels(tmp_path: Path) -> None:
    label = corner()
    label[5, 6, 4], label[5, 5, 4] = 2, 3
    nnunet(tmp_path, VERSION_2, label=label)
    found = item(tmp_path)
    assert (found.case, found.modality, found.details["split"]) == ("liver 1", "CT", "train")
    case = NNUNET.read(found)
    assert {name: int(mask.sum()) for name, mask in case.masks.items()} == {"liver": 6, "tumour": 1, "both": 7}
    np.testing.assert_array_equal(case.image, voxels())


def test_version_1_maps_ids_to_names(tmp_path: Path) -> None:
    nnunet(tmp_path, VERSION_1, version=1)
    assert list(NNUNET.find(tmp_path)) == [tmp_path]
    assert NNUNET.read(item(tmp_path)).masks.keys() == {"liver"}


def test_of_several_channels_the_first_is_read_with_a_warning(tmp_path: Path) -> None:
    nnunet(tmp_path, VERSION_2)
    write_nifti(tmp_path / "imagesTr/liver 1_0001.nii.gz", voxels() + 1)
    content = {"channel_names": {"0": "T1", "1": "T2"}, "labels": VERSION_2, "file_ending": ".nii.gz"}
    write_json(tmp_path / "dataset.json", content)
    case = NNUNET.read(item(tmp_path))
    assert case.modality == "T1"
    assert case.warnings == ("2 channels (T1, T2): T1 read",)
    np.testing.assert_array_equal(case.image, voxels())


def test_orphans_are_skipped_and_labelled_test_cases_read(tmp_path: Path) -> None:
    nnunet(tmp_path, VERSION_2)
    write_nifti(tmp_path / "imagesTs/b_0000.nii.gz", voxels())
    write_nifti(tmp_path / "imagesTs/c_0000.nii.gz", voxels())
    write_nifti(tmp_path / "labelsTs/c.nii.gz", corner())
    write_nifti(tmp_path / "labelsTr/d.nii.gz", corner())
    write_nifti(tmp_path / "imagesTr/e_0001.nii.gz", voxels())
    write_nifti(tmp_path / "labelsTr/e.nii.gz", corner())
    image, labelled, mask, channel, _ = NNUNET.index(tmp_path)
    assert isinstance(image, Defect) and image.reason == "imagesTs/b_0000.nii.gz: image without mask"
    assert isinstance(labelled, Item) and labelled.details["split"] == "test"
    assert isinstance(mask, Defect) and mask.reason == "labelsTr/d.nii.gz: mask without image"
    assert isinstance(channel, Defect) and (channel.kind, channel.reason) == (
        "failed",
        "imagesTr/e_0001.nii.gz: channel 0000 is missing",
    )


def test_pictures_are_read_and_deep_ones_are_not_taken_for_hounsfield_units(tmp_path: Path) -> None:
    write_png(tmp_path / "imagesTr/a_0000.png", picture().astype(np.uint16) * 100)
    write_png(tmp_path / "labelsTr/a.png", square(2))
    content = {"channel_names": {"0": "CT"}, "labels": VERSION_2, "file_ending": ".png"}
    write_json(tmp_path / "dataset.json", content)
    case = NNUNET.read(item(tmp_path))
    assert case.masks.keys() == {"tumour", "both"}
    assert not case.is_volume
    assert case.modality == "any"
    assert case.image.dtype == np.uint16


def test_an_ending_that_is_not_read_fails_with_the_way_out(tmp_path: Path) -> None:
    nnunet(tmp_path, VERSION_2)
    for folder, name in (("imagesTr", "liver 1_0000"), ("labelsTr", "liver 1")):
        (tmp_path / folder / f"{name}.nii.gz").rename(tmp_path / folder / f"{name}.nrrd")
    (defect,) = NNUNET.index(tmp_path)
    assert isinstance(defect, Defect)
    assert defect.kind == "failed"
    assert "liver 1_0000.nrrd: ending is not one of .nii, .nii.gz" in defect.reason


def test_four_dimensions_and_other_grids_fail_and_empty_labels_are_skipped(tmp_path: Path) -> None:
    nnunet(tmp_path, VERSION_2)
    for label, kind in ((corner((6, 7, 4)), "failed"), (np.zeros(SHAPE, np.uint8), "skipped")):
        write_nifti(tmp_path / "labelsTr/liver 1.nii.gz", label)
        with pytest.raises(DataError) as caught:
            NNUNET.read(item(tmp_path))
        assert caught.value.kind == kind
    write_nifti(tmp_path / "imagesTr/liver 1_0000.nii.gz", np.stack([voxels()] * 2, axis=-1))
    with pytest.raises(DataError, match="choose one channel"):
        NNUNET.read(item(tmp_path))


@pytest.mark.parametrize("text", ["{", "[]", "{}", '{"channel_names": {"0": "CT"}, "labels": {"liver": "x"}}'])
def test_an_invalid_description_is_one_defect(tmp_path: Path, text: str) -> None:
    nnunet(tmp_path, VERSION_2)
    (tmp_path / "dataset.json").write_text(text)
    _, (defect,) = catalogue.index("nnunet", tmp_path, None)
    assert defect.kind == "failed"
    assert "dataset.json: not" in defect.reason


def test_two_label_files_of_a_case_fail_and_ids_may_be_text(tmp_path: Path) -> None:
    label = corner(value=10)
    nnunet(tmp_path, {"background": "0", "a": "1", "c": "10"}, label=label)
    assert {name: int(mask.sum()) for name, mask in NNUNET.read(item(tmp_path)).masks.items()} == {"c": 6}
    write_nifti(tmp_path / "labelsTr/liver 1.nii", label)
    (defect,) = NNUNET.index(tmp_path)
    assert isinstance(defect, Defect)
    assert "more than one label file: labelsTr/liver 1.nii, labelsTr/liver 1.nii.gz" in defect.reason


@pytest.mark.parametrize("name", ["CT", "ct", " Ct ", "CT_scan", "Computed Tomography"])
def test_ct_is_ct_however_it_is_written(tmp_path: Path, name: str) -> None:
    nnunet(tmp_path, VERSION_2)
    write_json(tmp_path / "dataset.json", {"channel_names": {"0": name}, "labels": VERSION_2})
    assert item(tmp_path).modality == "CT"


def test_white_png_labels_where_the_table_says_1_are_said(tmp_path: Path) -> None:
    write_png(tmp_path / "imagesTr/a_0000.png", picture())
    write_png(tmp_path / "labelsTr/a.png", square(255))
    write_json(tmp_path / "dataset.json", {"channel_names": {"0": "X"}, "labels": {"background": 0, "vessel": 1}})
    case = NNUNET.read(item(tmp_path))
    assert case.masks["vessel"].sum() == 6
    assert "0 and 255 are the values" in case.warnings[0]


@pytest.mark.parametrize("channels", [{"1": "PET", "0": "CT"}, {"01": "PET", "00": "CT"}])
def test_the_channel_that_is_read_is_named_by_its_number_not_by_its_place(tmp_path: Path, channels: dict) -> None:
    nnunet(tmp_path, VERSION_2)
    write_nifti(tmp_path / "imagesTr/liver 1_0001.nii.gz", voxels())
    write_json(tmp_path / "dataset.json", {"channel_names": channels, "labels": VERSION_2})
    found = item(tmp_path)
    assert found.modality == "CT"
    assert found.details["warnings"] == ("2 channels (CT, PET): CT read",)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ({"channel_names": {"1": "CT"}, "labels": {"liver": 1}}, "channel 0 has no name"),
        ({"modality": {"0": "CT"}, "labels": {"1": "liver", "01": "spleen"}}, "id 1 is named more than once"),
        ({"modality": {"0": "CT"}, "labels": {"1": None}}, "id 1 is named None"),
    ],
)
def test_names_that_are_missing_or_doubled_are_refused(tmp_path: Path, content: dict, reason: str) -> None:
    nnunet(tmp_path, VERSION_2)
    write_json(tmp_path / "dataset.json", content)
    _, (defect,) = catalogue.index("nnunet", tmp_path, None)
    assert defect.kind == "failed" and reason in defect.reason
