from pathlib import Path

import numpy as np
import pytest

from bench.data import catalogue
from bench.data.case import DataError
from bench.data.datasets import load
from tests.helpers.layouts import folder, picture, square, write_png
from tests.helpers.source_layouts import sz_cxr


def test_lungs_are_one_mask_and_a_person_is_the_number(tmp_path: Path) -> None:
    sz_cxr(tmp_path)
    sz_cxr(tmp_path, "CHNCXR_0330_1")
    items, defects = catalogue.index("sz-cxr", tmp_path, None)
    assert [(item.case, item.patient) for item in items] == [
        ("CHNCXR_0001_0", "CHNCXR_0001"),
        ("CHNCXR_0330_1", "CHNCXR_0330"),
    ]
    case = catalogue.read(items[0])
    np.testing.assert_array_equal(case.masks["lungs"], square() > 0)
    assert (defects, case.modality, case.warnings) == ([], "X-ray", ())


def test_images_without_mask_and_those_of_montgomery_are_records(tmp_path: Path) -> None:
    sz_cxr(tmp_path)
    write_png(tmp_path / "CXR_png/CHNCXR_0002_0.png", picture())
    write_png(tmp_path / "CXR_png/MCUCXR_0001_0.png", picture())
    _, defects = catalogue.index("sz-cxr", tmp_path, None)
    assert [(one.case, one.kind, one.reason.split(": ")[1]) for one in defects] == [
        ("CHNCXR_0002_0", "skipped", "image without mask"),
        ("MCUCXR_0001_0", "skipped", "not named as the images and labels of sz-cxr are"),
    ]


def test_colour_images_and_resized_masks_read(tmp_path: Path) -> None:
    edges = np.linspace(10, 240, 24).astype(np.uint8)
    mask = np.full((8, 20), 255, np.uint8)
    mask.flat[:24], mask[6:] = edges, 0
    write_png(sz_cxr(tmp_path, mask=mask) / "CXR_png/CHNCXR_0001_0.png", picture((8, 20)), "RGBA")
    ((item,), _) = catalogue.index("sz-cxr", tmp_path, None)
    case = catalogue.read(item)
    assert case.image.shape == (8, 20, 3)
    assert int(case.masks["lungs"].sum()) == 96 + np.count_nonzero(edges > 127)
    assert "cut at 127.5" in case.warnings[0]


def test_numbered_lungs_fail(tmp_path: Path) -> None:
    sz_cxr(tmp_path, mask=square(2))
    ((item,), _) = catalogue.index("sz-cxr", tmp_path, None)
    with pytest.raises(DataError, match=r"2 \(6\); save the mask with 0 and 1"):
        catalogue.read(item)


def test_a_plain_folder_is_not_taken_for_it_nor_it_for_a_plain_folder(tmp_path: Path) -> None:
    sz_cxr(tmp_path / "shenzhen")
    folder(tmp_path / "plain", square())
    folder(tmp_path / "xray", square())
    (tmp_path / "xray/images").rename(tmp_path / "xray/CXR_png")
    assert list(load("sz-cxr").find(tmp_path)) == [tmp_path / "shenzhen"]
    assert list(load("folder").find(tmp_path)) == [tmp_path / "plain", tmp_path / "xray"]
