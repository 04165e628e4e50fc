from pathlib import Path

import numpy as np
import pytest
from scipy import sparse

from bench.data import catalogue
from bench.data.case import DataError, Defect, Item
from bench.data.datasets import load
from tests.helpers.layouts import cut, each_byte_changed, imis, picture, square, write_json, write_png

IMIS = load("imis")
IMIS_ITEM = {"image": "image/ABD_001_100.png", "label": "label/x___ABD_001_100.(2, 8, 10, 1).npz"}


def item(root: Path) -> Item:
    (entry,) = IMIS.index(root)
    assert isinstance(entry, Item), entry
    return entry


@pytest.mark.parametrize("named", [True, False])
def test_channels_become_classes_and_imask_is_not_needed(tmp_path: Path, named: bool) -> None:
    imis(tmp_path, named=named)
    found = item(tmp_path)
    assert (found.patient, found.case, found.modality) == ("ABD_001", "ABD_001_100", "CT")
    case = IMIS.read(found)
    assert case.masks.keys() == {"spleen"}
    np.testing.assert_array_equal(case.masks["spleen"], square() > 0)
    assert case.image.shape == (8, 10, 3)
    assert (case.is_volume, case.spacing_mm) == (False, (1, 1))


def test_splits_and_slices_of_one_patient(tmp_path: Path) -> None:
    imis(tmp_path, ("ABD_037_71", "ABD_001_64", "ABD_001_100"))
    found = [(entry.case, entry.patient, entry.details["split"]) for entry in IMIS.index(tmp_path)]
    assert found == [
        ("ABD_001_100", "ABD_001", "train"),
        ("ABD_001_64", "ABD_001", "train"),
        ("ABD_037_71", "ABD_037", "test"),
    ]


def test_orphans_are_skipped(tmp_path: Path) -> None:
    imis(tmp_path, ("ABD_001_1", "ABD_002_1", "ABD_003_1"))
    (tmp_path / "image/ABD_001_1.png").unlink()
    (tmp_path / "label/x___ABD_002_1.(2, 8, 10, 1).npz").unlink()
    write_png(tmp_path / "image/ABD_008_100.png", picture())
    defects = [entry for entry in IMIS.index(tmp_path) if isinstance(entry, Defect)]
    assert {defect.kind for defect in defects} == {"skipped"}
    assert [defect.reason.split(":")[1].strip()[:18] for defect in defects] == [
        "mask without image",
        "image without mask",
        "image without mask",
    ]
    assert [defect.case for defect in defects] == ["ABD_001_1", "ABD_002_1", "ABD_008_100"]


def test_a_listed_item_without_label_is_skipped(tmp_path: Path) -> None:
    imis(tmp_path)
    content = {"labels": {"1": "spleen"}, "test": [{"image": "image/ABD_001_100.png"}]}
    write_json(tmp_path / "dataset.json", content)
    (defect,) = IMIS.index(tmp_path)
    assert isinstance(defect, Defect) and "image without mask" in defect.reason


@pytest.mark.parametrize("text", ["{", "[]", '{"labels": {"one": "spleen"}}', '{"test": []}'])
def test_an_invalid_list_is_one_defect(tmp_path: Path, text: str) -> None:
    imis(tmp_path)
    (tmp_path / "dataset.json").write_text(text)
    _, (defect,) = catalogue.index("imis", tmp_path, None)
    assert defect.kind == "failed"
    assert "dataset.json: not" in defect.reason


def test_a_truncated_label_fails(tmp_path: Path) -> None:
    imis(tmp_path)
    cut(tmp_path / "label/x___ABD_001_100.(2, 8, 10, 1).npz")
    with pytest.raises(DataError, match=r"x___ABD_001_100\.\(2, 8, 10, 1\)\.npz: cannot be read"):
        IMIS.read(item(tmp_path))


def test_no_changed_byte_of_a_label_escapes_as_another_error(tmp_path: Path) -> None:
    imis(tmp_path)
    one, path = item(tmp_path), tmp_path / "label/x___ABD_001_100.(2, 8, 10, 1).npz"
    failed = 0
    for _ in each_byte_changed(path):
        try:
            IMIS.read(one)
        except DataError:
            failed += 1
    assert failed > path.stat().st_size // 4


def test_a_label_that_does_not_fit_the_image_fails(tmp_path: Path) -> None:
    imis(tmp_path)
    write_png(tmp_path / "image/ABD_001_100.png", picture((10, 8)))
    with pytest.raises(DataError, match=r"the image has \(10, 8\) pixels"):
        IMIS.read(item(tmp_path))


def test_a_label_of_empty_channels_is_skipped(tmp_path: Path) -> None:
    imis(tmp_path)
    empty = sparse.csr_matrix((2, 80), dtype=np.int32)
    sparse.save_npz(tmp_path / "label/x___ABD_001_100.(2, 8, 10, 1).npz", empty)
    with pytest.raises(DataError) as caught:
        IMIS.read(item(tmp_path))
    assert caught.value.kind == "skipped"


def test_a_channel_without_a_name_gets_its_number(tmp_path: Path) -> None:
    imis(tmp_path)
    content = {"labels": {"0": "background"}, "test": [IMIS_ITEM]}
    write_json(tmp_path / "dataset.json", content)
    assert IMIS.read(item(tmp_path)).masks.keys() == {"label 1"}
