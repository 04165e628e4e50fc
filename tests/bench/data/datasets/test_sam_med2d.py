from pathlib import Path

import numpy as np
import pytest

from bench.data import catalogue
from bench.data.case import DataError, Defect, Item
from bench.data.datasets import load
from tests.helpers.layouts import picture, sam_med2d, square, write_json, write_png

SAM_MED2D = load("sam-med2d")


def test_components_are_united_and_lists_of_both_kinds_are_read(tmp_path: Path) -> None:
    sam_med2d(tmp_path / "data_demo")
    first, orphan, second = SAM_MED2D.index(tmp_path / "data_demo")
    assert isinstance(first, Item) and isinstance(second, Item)
    assert (first.case, first.patient) == ("amos_0004_75", "amos_0004")
    assert (second.case, second.patient) == ("s0114_111", "s0114")
    case = SAM_MED2D.read(first)
    assert case.masks.keys() == {"liver"}
    np.testing.assert_array_equal(case.masks["liver"], (square() | np.roll(square(), 4, axis=0)) > 0)
    assert SAM_MED2D.read(second).masks.keys() == {"rib_left_9"}
    assert isinstance(orphan, Defect)
    assert (orphan.case, orphan.kind) == ("amos_0507_31", "skipped")
    assert "images/amos_0507_31.png: image without mask" in orphan.reason


def test_a_missing_mask_fails_its_class_only(tmp_path: Path) -> None:
    sam_med2d(tmp_path / "data_demo")
    write_png(tmp_path / "data_demo/masks/amos_0004_75_aorta_000.png", square())
    listed = {"data_demo/images/amos_0004_75.png": ["data_demo/masks/amos_0004_75_aorta_000.png"]}
    write_json(tmp_path / "data_demo/image2label_train.json", listed)
    (tmp_path / "data_demo/masks/amos_0004_75_liver_001.png").unlink()
    item, defect, *_ = SAM_MED2D.index(tmp_path / "data_demo")
    assert isinstance(item, Item) and isinstance(defect, Defect)
    assert SAM_MED2D.read(item).masks.keys() == {"aorta"}
    assert (defect.kind, defect.target) == ("failed", "liver")
    assert defect.reason == "masks/amos_0004_75_liver_001.png: listed, but missing"


def test_a_missing_image_is_skipped(tmp_path: Path) -> None:
    sam_med2d(tmp_path)
    (tmp_path / "images/s0114_111.png").unlink()
    defect = SAM_MED2D.index(tmp_path)[-1]
    assert isinstance(defect, Defect)
    assert (defect.case, defect.kind) == ("s0114_111", "skipped")


@pytest.mark.parametrize("mask", ["s0114_1115_liver_000", "other_5_liver_000", "s0114_111", "s0114_111_000"])
def test_a_mask_that_is_not_named_after_its_image_fails(tmp_path: Path, mask: str) -> None:
    sam_med2d(tmp_path)
    write_png(tmp_path / f"masks/{mask}.png", square())
    listed = {"images/s0114_111.png": [f"masks/{mask}.png", "masks/s0114_111_rib_left_9_000.png"]}
    write_json(tmp_path / "image2label_train.json", listed)
    *_, item, defect = SAM_MED2D.index(tmp_path)
    assert isinstance(item, Item) and isinstance(defect, Defect)
    assert SAM_MED2D.read(item).masks.keys() == {"rib_left_9"}
    assert defect.kind == "failed"
    assert f"masks/{mask}.png: not named s0114_111_<class>_<number>" in defect.reason


def test_names_of_the_20m_release(tmp_path: Path) -> None:
    name = "mr_00--ACDC--patient001_frame01--z_0003"
    write_png(tmp_path / f"images/{name}.png", picture())
    write_png(tmp_path / f"masks/{name}--0002_000.png", square())
    write_json(tmp_path / "SAMed2D_v1.json", {f"images/{name}.png": [f"masks/{name}--0002_000.png"]})
    (item,) = SAM_MED2D.index(tmp_path)
    assert isinstance(item, Item)
    assert item.patient == "ACDC--patient001_frame01"
    assert SAM_MED2D.read(item).masks.keys() == {"0002"}


def test_a_mask_of_another_size_fails(tmp_path: Path) -> None:
    sam_med2d(tmp_path)
    write_png(tmp_path / "masks/s0114_111_rib_left_9_000.png", square(shape=(10, 8)))
    item = SAM_MED2D.index(tmp_path)[-1]
    assert isinstance(item, Item)
    with pytest.raises(DataError, match=r"rib_left_9 has \(10, 8\) pixels, images/s0114_111\.png has \(8, 10\)"):
        SAM_MED2D.read(item)


@pytest.mark.parametrize("text", ["{", "[]", '{"masks/x.png": null}'])
def test_an_invalid_list_is_one_defect(tmp_path: Path, text: str) -> None:
    sam_med2d(tmp_path)
    (tmp_path / "label2image_test.json").write_text(text)
    _, (defect,) = catalogue.index("sam-med2d", tmp_path, None)
    assert "label2image_test.json: " in defect.reason and "not" in defect.reason


def listed(root: Path, image: str, mask: str) -> None:
    write_json(root / "image2label_train.json", {image: [mask]})


def test_images_of_one_name_in_two_folders_are_two_cases(tmp_path: Path) -> None:
    for patient in ("p1", "p2"):
        write_png(tmp_path / f"images/{patient}/1.png", picture())
        write_png(tmp_path / f"masks/{patient}/1_liver_000.png", square())
    pairs = {f"images/{p}/1.png": [f"masks/{p}/1_liver_000.png"] for p in ("p1", "p2")}
    write_json(tmp_path / "image2label_train.json", pairs)
    found = [(entry.case, entry.patient) for entry in SAM_MED2D.index(tmp_path)]
    assert found == [("p1/1", "p1"), ("p2/1", "p2")]


@pytest.mark.parametrize("folder", ["/somewhere/data", "../outside", "C:\\data"])
def test_a_list_leads_to_no_file_outside(tmp_path: Path, folder: str) -> None:
    root = tmp_path / "set"
    write_png(tmp_path / "outside/a.png", picture())
    (root / "images").mkdir(parents=True)
    where = str(tmp_path / "outside") if folder.startswith("/") else folder
    listed(root, f"{where}/a.png", f"{where}/a_liver_000.png")
    assert all(isinstance(entry, Defect) for entry in SAM_MED2D.index(root))


def test_endings_in_capitals_are_found_where_the_list_has_small_ones(tmp_path: Path) -> None:
    sam_med2d(tmp_path)
    (tmp_path / "images/s0114_111.png").rename(tmp_path / "images/s0114_111.PNG")
    (tmp_path / "masks/s0114_111_rib_left_9_000.png").rename(tmp_path / "masks/s0114_111_rib_left_9_000.PNG")
    *_, item = SAM_MED2D.index(tmp_path)
    assert isinstance(item, Item) and SAM_MED2D.read(item).masks.keys() == {"rib_left_9"}
    write_png(tmp_path / "images/s0114_111.png", picture(), "RGB")
    found = [one for one in SAM_MED2D.index(tmp_path) if isinstance(one, Item)][-1]
    assert found.files["image"].suffix == ".png"


def test_an_entry_that_fits_two_files_fails(tmp_path: Path) -> None:
    for start in ("", "data_demo/"):
        write_png(tmp_path / f"{start}images/a.png", picture())
    write_png(tmp_path / "masks/a_liver_000.png", square())
    listed(tmp_path, "data_demo/images/a.png", "masks/a_liver_000.png")
    reasons = [entry.reason for entry in SAM_MED2D.index(tmp_path) if isinstance(entry, Defect)]
    assert any("leads to more than one file" in reason for reason in reasons)
