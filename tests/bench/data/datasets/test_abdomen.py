from pathlib import Path

import numpy as np
import pytest

from bench.data import catalogue
from bench.data.case import Case, DataError
from bench.data.datasets import load
from tests.helpers.layouts import SHAPE, corner
from tests.helpers.source_layouts import amos, btcv, word

ORGANS = {  # by the tables of the releases
    "btcv": "spleen kidney_right kidney_left gallbladder esophagus liver stomach aorta inferior_vena_cava "
    "portal_vein_and_splenic_vein pancreas adrenal_gland_right adrenal_gland_left",
    "amos-ct": "spleen kidney_right kidney_left gallbladder esophagus liver stomach aorta inferior_vena_cava pancreas "
    "adrenal_gland_right adrenal_gland_left duodenum urinary_bladder prostate_or_uterus",
    "word": "liver spleen kidney_left kidney_right stomach gallbladder esophagus pancreas duodenum colon small_bowel "
    "adrenal_gland rectum urinary_bladder femoral_head_left femoral_head_right",
}
WRITE = {"btcv": btcv, "word": word, "amos-ct": lambda root, values: amos(root, 4, values=values)}


def read(name: str, root: Path) -> Case:
    ((item,), defects) = catalogue.index(name, root, None)
    assert defects == []
    return catalogue.read(item)


@pytest.mark.parametrize("name", ORGANS)
def test_every_number_is_its_organ(tmp_path: Path, name: str) -> None:
    organs = ORGANS[name].split()
    values = np.zeros(SHAPE, np.uint8)
    values.flat[: len(organs)] = range(1, len(organs) + 1)
    WRITE[name](tmp_path, values=values)
    case = read(name, tmp_path)
    assert case.modality == "CT"
    assert {organ: int(np.flatnonzero(mask)[0]) for organ, mask in case.masks.items()} == {
        organ: place for place, organ in enumerate(organs)
    }


def test_a_number_beyond_the_table_fails(tmp_path: Path) -> None:
    btcv(tmp_path, values=corner(value=14))
    with pytest.raises(DataError, match=r"values without a class \(and their counts\): 14 \(6\)"):
        read("btcv", tmp_path)


def test_btcv_cases_have_a_name_of_their_own(tmp_path: Path) -> None:
    btcv(tmp_path, 35)
    assert read("btcv", tmp_path).patient == "btcv_0035"
    ((item,), _) = catalogue.index("btcv", tmp_path / "RawData/Training", None)  # a copy without the outer folders
    assert item.case == "btcv_0035"


def test_ct_and_mr_of_amos_are_told_by_their_number(tmp_path: Path) -> None:
    amos(tmp_path, 4, 499, 500, 507)
    found = {name: catalogue.index(name, tmp_path, None) for name in ("amos-ct", "amos-mri")}
    assert {name: [item.case for item in items] for name, (items, _) in found.items()} == {
        "amos-ct": ["amos_0004", "amos_0499"],
        "amos-mri": ["amos_0500", "amos_0507"],
    }
    assert all(defects == [] for _, defects in found.values())
    assert catalogue.read(found["amos-mri"][0][0]).modality == "MR"


def test_the_list_of_amos_is_not_taken_for_the_decathlon(tmp_path: Path) -> None:
    amos(tmp_path / "amos22", 4)
    word(tmp_path / "WORD-V0.1.0")
    assert list(load("msd").find(tmp_path)) == []
    assert list(load("amos-ct").find(tmp_path)) == [tmp_path / "amos22"]


def test_parts_of_word_have_names_of_their_own(tmp_path: Path) -> None:
    for number, part in enumerate(("Tr", "Val", "Ts")):
        word(tmp_path, part, number)
    items, _ = catalogue.index("word", tmp_path, None)
    assert [item.details["split"] for item in items] == ["train", "val", "test"]
