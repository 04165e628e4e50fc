from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from bench import protocols
from bench.data import catalogue
from bench.data.case import DataError
from bench.data.curation.selection import SelectionRules, select
from bench.studies.curation.judging import judge
from tests.helpers.curation import picture
from tests.helpers.layouts import write_png

SUFFIX = {2016: "_Segmentation.png", 2017: "_segmentation.png", 2018: "_segmentation.png"}
FOLDERS = {
    2016: ("ISBI2016_ISIC_Part1_Training_Data", "ISBI2016_ISIC_Part1_Training_GroundTruth"),
    2017: ("ISIC-2017_Training_Data", "ISIC-2017_Training_Part1_GroundTruth"),
    2018: ("ISIC2018_Task1-2_Training_Input", "ISIC2018_Task1_Training_GroundTruth"),
}


def write(root: Path, year: int, number: int, seed: int | None = None) -> tuple[Path, Path]:
    """One picture of a year in the official folders, with what else lies there."""
    image, mask = picture(number if seed is None else seed)
    images, masks = (root / folder for folder in FOLDERS[year])
    name = f"ISIC_{number:07}"
    write_png(images / f"{name}.jpg", np.repeat(image[..., None], 3, axis=2))
    write_png(images / f"{name}_superpixels.png", image)
    (images / "ATTRIBUTION.txt").write_text("text")
    return images / f"{name}.jpg", write_png(masks / f"{name}{SUFFIX[year]}", mask)


@pytest.mark.parametrize("year", FOLDERS)
def test_each_year_has_its_folders_and_its_suffix(tmp_path: Path, year: int) -> None:
    for each in FOLDERS:
        write(tmp_path, each, each)
    items, defects = catalogue.index(f"isic{year}", tmp_path, None)
    assert ([item.case for item in items], defects) == ([f"ISIC_{year:07}"], [])
    case = catalogue.read(items[0])
    assert (case.modality, case.image.shape) == ("dermoscopy", (64, 64, 3))
    np.testing.assert_array_equal(case.masks["skin lesion"], picture(year)[1] > 0)


def test_missing_and_empty_parts_are_records(tmp_path: Path) -> None:
    _, mask = write(tmp_path, 2017, 1)
    image, _ = write(tmp_path, 2017, 2)
    _, empty = write(tmp_path, 2017, 3)
    mask.unlink()
    image.unlink()
    write_png(empty, np.zeros((64, 64), np.uint8))
    items, defects = catalogue.index("isic2017", tmp_path, None)
    assert [(one.case, one.reason.split(": ")[1]) for one in defects] == [
        ("ISIC_0000001", "image without mask"),
        ("ISIC_0000002", "mask without image"),
    ]
    with pytest.raises(DataError, match="nothing to evaluate"):
        catalogue.read(items[0])


def test_a_lesion_of_several_years_is_one_person_and_one_image(tmp_path: Path) -> None:
    for year in FOLDERS:
        for number in range(12):
            write(tmp_path, year, number, seed=number if number == 5 else 100 * year + number)
    items = [item for year in FOLDERS for item in catalogue.index(f"isic{year}", tmp_path, None)[0]]
    rows, _ = judge(items, protocols.load("segmote"), tmp_path / "kept", 1, "local", "judge")
    found = select(rows, pd.DataFrame(), SelectionRules(least_score=-9, least_z=-99))
    kept = found[found["reason"] == ""]
    assert len(rows) == 36 and len(kept) == 34
    assert kept["person"].nunique() == 12 and kept.groupby("person")["split"].nunique().max() == 1
    same = found[found["case"] == "ISIC_0000005"]
    assert sum("near-duplicate of isic20" in reason for reason in same["reason"]) == 2
