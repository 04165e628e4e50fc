from pathlib import Path

import numpy as np
import pytest

from bench.data import catalogue
from bench.data.case import DataError, Defect, Item
from bench.data.datasets import load
from tests.helpers.layouts import folder, picture, square, write_json, write_png

FOLDER = load("folder")


def item(root: Path) -> Item:
    (entry,) = FOLDER.index(root)
    assert isinstance(entry, Item), entry
    return entry


@pytest.mark.parametrize(
    ("name", "masks"),
    [
        ("a.png", "masks"),
        ("a_mask.png", "mask"),
        ("a-mask.png", "masks"),
        ("a_Segmentation.png", "labels"),
        ("a_segmentation.png", "gts"),
        ("a.bmp", "Labels"),
    ],
)
def test_masks_by_name_in_folders_of_several_names(tmp_path: Path, name: str, masks: str) -> None:
    folder(tmp_path, square(), name, masks)
    assert list(FOLDER.find(tmp_path)) == [tmp_path]
    case = FOLDER.read(item(tmp_path))
    assert case.case == "a"
    np.testing.assert_array_equal(case.image, picture())
    np.testing.assert_array_equal(case.masks["foreground"], square() > 0)


@pytest.mark.parametrize("mode", ["1", "L", "RGB", "RGBA", "LA"])
def test_modes_of_masks(tmp_path: Path, mode: str) -> None:
    folder(tmp_path, square())
    write_png(tmp_path / "masks/a_mask.png", square(), mode)
    np.testing.assert_array_equal(FOLDER.read(item(tmp_path)).masks["foreground"], square() > 0)


def test_values_near_the_maximum_are_foreground_with_a_warning(tmp_path: Path) -> None:
    mask = square()
    mask[1, 6] = 254
    folder(tmp_path, mask)
    case = FOLDER.read(item(tmp_path))
    assert case.masks["foreground"].sum() == 6
    assert case.warnings == ("masks/a_mask.png: 1 values lie between 0 and 255, taken as grey levels; cut at 127.5",)


def test_ids_without_names(tmp_path: Path) -> None:
    folder(tmp_path, square(2))
    assert FOLDER.read(item(tmp_path)).masks.keys() == {"label 2"}


def test_ids_with_names(tmp_path: Path) -> None:
    folder(tmp_path, square(2))
    write_json(tmp_path / "labels.json", {"background": 0, "liver": 1, "spleen": 2})
    assert FOLDER.read(item(tmp_path)).masks.keys() == {"spleen"}


def test_white_is_the_one_class_that_has_a_name(tmp_path: Path) -> None:
    folder(tmp_path, square(254))
    write_json(tmp_path / "labels.json", {"lungs": 1})
    case = FOLDER.read(item(tmp_path))
    assert case.masks["lungs"].sum() == 6
    assert "0 and 254 are the values; cut at 127" in case.warnings[0]


def test_grey_levels_with_the_map_of_huang(tmp_path: Path) -> None:
    root = tmp_path / "test_data" / "22_Heart"
    mask = square(171)
    mask[1, 6] = 255
    write_png(root / "images/22_Heart_2_10.png", picture())
    write_png(root / "labels/22_Heart_2_10.png", mask)
    colours = {"info": {"1": "LV", "2": "Myocardium", "3": "RV"}, "color": {"1": 85, "2": 170, "3": 255}}
    write_json(tmp_path / "data_infor_json/22_Heart.json", colours)
    found = item(root)
    assert found.patient == "22_Heart_2"
    case = FOLDER.read(found)
    assert {name: int(mask.sum()) for name, mask in case.masks.items()} == {"Myocardium": 5, "RV": 1}


def test_grey_levels_without_a_map_fail_with_the_way_out(tmp_path: Path) -> None:
    mask = square(255)
    mask[1, 6:8] = (85, 170)
    folder(tmp_path, mask)
    with pytest.raises(DataError, match=r"85 \(1\), 170 \(1\), 255 \(4\); name the ids in labels\.json"):
        FOLDER.read(item(tmp_path))


@pytest.mark.parametrize(
    "content",
    [["liver"], {"liver": "one"}, {"info": {"1": "a"}, "color": {}}, {"info": {"1": "a"}, "color": {"1": [255, 0, 0]}}],
)
def test_an_invalid_table_is_one_defect(tmp_path: Path, content: object) -> None:
    folder(tmp_path, square())
    write_json(tmp_path / "labels.json", content)
    _, (defect,) = catalogue.index("folder", tmp_path, None)
    assert "labels.json: not a mapping" in defect.reason


def test_pictures_in_folders_of_patients_are_cases_by_their_path(tmp_path: Path) -> None:
    for name, value in (("p1/001", 1), ("p2/001", 2)):
        write_png(tmp_path / f"images/{name}.png", picture())
        write_png(tmp_path / f"masks/{name}_mask.png", square(value))
    write_png(tmp_path / "images/p2/002.png", picture())
    assert list(FOLDER.find(tmp_path)) == [tmp_path]
    first, second, orphan = FOLDER.index(tmp_path)
    assert [(one.case, one.patient) for one in (first, second)] == [("p1/001", "p1"), ("p2/001", "p2")]
    assert FOLDER.read(first).masks.keys() == {"label 1"}
    assert FOLDER.read(second).masks.keys() == {"label 2"}
    assert isinstance(orphan, Defect) and orphan.reason == "p2/002.png: image without mask"


@pytest.mark.parametrize("content", [{"1": "liver"}, {"liver": "1_0"}, {"liver": "1,2"}, {"liver": 1.5}])
def test_ids_that_are_none_are_refused_with_the_way_they_are_written(tmp_path: Path, content: object) -> None:
    folder(tmp_path, square(1))
    write_json(tmp_path / "labels.json", content)
    _, (defect,) = catalogue.index("folder", tmp_path, None)
    assert defect.kind == "failed" and "is no whole number; names come first" in defect.reason


def test_orphans_are_skipped_and_doubles_fail(tmp_path: Path) -> None:
    folder(tmp_path, square())
    write_png(tmp_path / "masks/a.png", square())
    write_png(tmp_path / "images/CHNCXR_0001_0.png", picture())
    write_png(tmp_path / "masks/z (1, 2)_mask.png", square())
    orphan, double, mask = FOLDER.index(tmp_path)
    assert isinstance(orphan, Defect) and isinstance(double, Defect) and isinstance(mask, Defect)
    assert (orphan.kind, orphan.patient) == ("skipped", "CHNCXR_0001")
    assert orphan.reason == "images/CHNCXR_0001_0.png: image without mask"
    assert double.kind == "failed" and "more than one image or mask named a" in double.reason
    assert mask.reason == "masks/z (1, 2)_mask.png: mask without image"


def test_previews_and_hidden_files_are_ignored(tmp_path: Path) -> None:
    folder(tmp_path, square())
    write_png(tmp_path / "images/a_superpixels.png", picture())
    (tmp_path / "masks/._a_mask.png").write_bytes(b"resource fork")
    (tmp_path / "images/LICENSE.txt").write_text("CC0")
    assert item(tmp_path).case == "a"


@pytest.mark.parametrize(
    ("mask", "kind"), [(np.zeros((8, 10), np.uint8), "skipped"), (square(shape=(10, 8)), "failed")]
)
def test_empty_and_unequal_masks(tmp_path: Path, mask: np.ndarray, kind: str) -> None:
    folder(tmp_path, mask)
    with pytest.raises(DataError) as caught:
        FOLDER.read(item(tmp_path))
    assert caught.value.kind == kind


def test_colour_images_stay_colour(tmp_path: Path) -> None:
    folder(tmp_path, square())
    write_png(tmp_path / "images/a.png", np.stack([picture(), picture(), square()], axis=-1))
    assert FOLDER.read(item(tmp_path)).image.shape == (8, 10, 3)


def test_letters_composed_and_decomposed_are_one_name(tmp_path: Path) -> None:
    write_png(tmp_path / "images/M\u00fcller_1.png", picture())
    write_png(tmp_path / "masks/Mu\u0308ller_1.png", square())
    assert item(tmp_path).case == "M\u00fcller_1"


def test_pixels_that_are_no_finite_numbers_are_mended_and_said(tmp_path: Path) -> None:
    folder(tmp_path, square())
    values = picture().astype(np.float32) + 1
    values[7, 9] = np.inf
    (tmp_path / "images/a.png").unlink()
    write_png(tmp_path / "images/a.tif", values)
    case = FOLDER.read(item(tmp_path))
    assert case.image[7, 9] == 1
    assert "images/a.tif: 1 values are not finite; set to 1" in case.warnings
