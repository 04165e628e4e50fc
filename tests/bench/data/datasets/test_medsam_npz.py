from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench.data import catalogue
from bench.data.case import Case, DataError, Defect
from bench.data.datasets import load
from tests.helpers.layouts import cut, imis, picture, square, write_json
from tests.helpers.source_layouts import medsam_npz


def read(root: Path) -> Case:
    ((item,), defects) = catalogue.index("medsam-npz", root, None)
    assert defects == []
    return catalogue.read(item)


def test_a_volume_is_turned_as_its_direction_says(tmp_path: Path) -> None:
    values = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)  # slices, rows, columns
    label = np.zeros(values.shape, np.uint8)
    label[0, 1, 2] = 1
    medsam_npz(tmp_path, values, label, spacing=[0.5, 0.7, 5.0])
    case = read(tmp_path)
    assert (case.spacing_mm, case.modality, case.warnings) == ((0.5, 0.7, 5.0), "any", ())
    np.testing.assert_array_equal(case.image, values.transpose(2, 1, 0))
    assert np.argwhere(case.masks["label 1"]).tolist() == [[2, 1, 0]]
    turned = [0, 1, 0, 1, 0, 0, 0, 0, -1]  # x to posterior, y to the left, z downwards
    medsam_npz(tmp_path, values, label, spacing=[0.5, 0.7, 5.0], direction=turned, origin=[1, 2, 3])
    case = read(tmp_path)
    assert case.spacing_mm == (0.7, 0.5, 5.0)
    np.testing.assert_array_equal(case.image, values.transpose(1, 2, 0)[:, :, ::-1])
    assert np.argwhere(case.masks["label 1"]).tolist() == [[1, 2, 1]]
    np.testing.assert_allclose(case.affine @ (0, 0, 1, 1), (-1, -2, 3, 1))


def test_classes_are_named_by_a_table_if_there_is_one(tmp_path: Path) -> None:
    label = np.zeros((2, 8, 10), np.uint8)
    label[0, 0, 0], label[1, 0, 0] = 1, 3
    medsam_npz(tmp_path, np.stack([picture()] * 2), label)
    assert read(tmp_path).masks.keys() == {"label 1", "label 3"}
    assert "no spacing stored; taken as 1 mm" in read(tmp_path).warnings[0]
    write_json(tmp_path / "labels.json", {"liver": 1, "spleen": 3})
    assert read(tmp_path).masks.keys() == {"liver", "spleen"}
    write_json(tmp_path / "labels.json", {"liver": 1})
    with pytest.raises(DataError, match="3"):
        read(tmp_path)
    write_json(tmp_path / "labels.json", ["liver"])
    _, (defect,) = catalogue.index("medsam-npz", tmp_path, None)
    assert "not a mapping of class names to ids" in defect.reason


@pytest.mark.parametrize("image", [picture(), np.stack([picture()] * 3, axis=-1)])
def test_pictures_are_grey_or_colour(tmp_path: Path, image: np.ndarray) -> None:
    medsam_npz(tmp_path, image, square(1), boxes=np.zeros((1, 4)))
    case = read(tmp_path)
    np.testing.assert_array_equal(case.image, image)
    np.testing.assert_array_equal(case.masks["label 1"], square() > 0)


@pytest.mark.parametrize(
    ("arrays", "reason"),
    [
        ({"imgs": np.zeros((2, 3, 4))}, "are no pair"),
        ({"gts": np.zeros(80, np.uint8)}, "are no pair"),
        ({"imgs": np.zeros((2, 8, 10, 3)), "gts": np.ones((2, 8, 10), np.uint8)}, "are no pair"),
        ({"imgs": np.zeros((8, 10, 4))}, "no picture of grey or of three colours"),
        ({"gts": np.zeros((8, 10), np.uint8)}, "nothing to evaluate"),
        ({"gts": np.full((8, 10), 0.3)}, "cannot|no|values"),
        ({"imgs": np.array([None])}, r"cannot be read \(ValueError: imgs: .*object"),
        ({"imgs": np.zeros((1, 8, 10)), "gts": square(1)[None], "spacing": [1, 0, 1]}, "no valid geometry"),
        ({"imgs": np.zeros((1, 8, 10)), "gts": square(1)[None], "spacing": [1, 1]}, "no valid geometry"),
    ],
)
def test_archives_that_are_no_case_are_refused(tmp_path: Path, arrays: dict[str, Any], reason: str) -> None:
    medsam_npz(tmp_path, **({"imgs": picture(), "gts": square(1)} | arrays))
    with pytest.raises(DataError, match=reason):
        read(tmp_path)


def test_a_damaged_archive_beside_others_is_a_reason(tmp_path: Path) -> None:
    medsam_npz(tmp_path, picture(), square(1), "a_1")
    cut(medsam_npz(tmp_path, picture(), square(1), "b_1"))
    items, _ = catalogue.index("medsam-npz", tmp_path, None)
    assert catalogue.read(items[0]).patient == "a_1"
    with pytest.raises(DataError, match=r"b_1\.npz: cannot be read \(BadZipFile"):
        catalogue.read(items[1])


def test_sparse_labels_of_imis_are_none(tmp_path: Path) -> None:
    imis(tmp_path / "BTCV")
    assert list(load("medsam-npz").find(tmp_path)) == []
    assert not any(isinstance(one, Defect) for one in load("medsam-npz").index(tmp_path))


def test_studies_of_one_patient_of_deep_lesion_are_one(tmp_path: Path) -> None:
    for name in ("CT_Lesion_000001_02_01_008-023", "CT_Lesion_000001_03_01_001-009", "MR_x_7"):
        medsam_npz(tmp_path, picture(), square(1), name)
    items, _ = catalogue.index("medsam-npz", tmp_path, None)
    assert [item.patient for item in items] == ["CT_Lesion_000001", "CT_Lesion_000001", "MR_x_7"]
