from pathlib import Path

import numpy as np
import pytest

from bench.data import catalogue
from bench.data.case import Case, DataError
from tests.helpers import dicom
from tests.helpers.layouts import write_png
from tests.helpers.source_layouts import chaos_ct, chaos_mr

MR = ("chaos-t1", "chaos-t1-outphase", "chaos-t2")


def read(name: str, root: Path) -> Case:
    ((item,), defects) = catalogue.index(name, root, None)
    assert defects == []
    return catalogue.read(item)


@pytest.mark.parametrize("name", MR)
def test_grey_levels_are_the_organs_in_every_sequence(tmp_path: Path, name: str) -> None:
    chaos_mr(tmp_path)
    case = read(name, tmp_path)
    assert (case.patient, case.modality, case.spacing_mm) == ("chaos_mr_1", "MR", (1.0, 2.0, 3.0))
    np.testing.assert_array_equal(case.image, dicom.stored().transpose(2, 1, 0))
    assert {organ: np.argwhere(mask[..., 0]).tolist() for organ, mask in case.masks.items()} == {
        "liver": [[0, 0]],
        "kidney_right": [[1, 0]],
        "kidney_left": [[2, 0]],
        "spleen": [[3, 0]],
    }
    assert all(mask.sum() == 4 for mask in case.masks.values())


@pytest.mark.parametrize(
    ("organ", "values"),
    [("liver", (55, 70)), ("kidney_right", (110, 135)), ("kidney_left", (175, 200)), ("spleen", (240, 255))],
)
def test_each_range_of_the_organisers_is_its_organ(tmp_path: Path, organ: str, values: tuple[int, int]) -> None:
    greys = np.zeros((4, dicom.ROWS, dicom.COLUMNS), np.uint8)
    greys[:, 0, :2] = values
    chaos_mr(tmp_path, values=greys)
    case = read("chaos-t2", tmp_path)
    assert {name: int(mask.sum()) for name, mask in case.masks.items()} == {organ: 8}


def test_a_value_of_no_organ_fails(tmp_path: Path) -> None:
    greys = np.zeros((4, dicom.ROWS, dicom.COLUMNS), np.uint8)
    greys[:, :2] = 100
    chaos_mr(tmp_path, values=greys)
    with pytest.raises(DataError, match="10 pixels are more than 8 grey levels from"):
        read("chaos-t2", tmp_path)


def test_labels_of_ct_go_with_the_slice_of_their_number(tmp_path: Path) -> None:
    chaos_ct(tmp_path)
    case = read("chaos-ct", tmp_path)
    assert (case.patient, case.modality) == ("chaos_ct_3", "CT")
    np.testing.assert_array_equal(case.masks["liver"].sum(axis=(0, 1)), [4, 3, 2, 1])  # number 3 lies lowest
    assert case.masks["liver"][1].sum() == 10 and case.image.min() == -50


def test_ct_and_mr_are_different_people_and_test_sets_are_records(tmp_path: Path) -> None:
    chaos_ct(tmp_path, 1)
    root = chaos_mr(tmp_path, 1)
    assert {catalogue.index(name, tmp_path, None)[0][0].patient for name in ("chaos-t1", "chaos-ct")} == {
        "chaos_mr_1",
        "chaos_ct_1",
    }
    dicom.series(root / "CT/7/DICOM_anon")
    write_png(root / "CT/8/Ground/liver_GT_000.png", np.zeros((6, 5), np.uint8))
    _, defects = catalogue.index("chaos-ct", tmp_path, None)
    assert [(one.case, one.kind, one.reason) for one in defects] == [
        ("chaos_ct_7", "skipped", "7/DICOM_anon: image without mask"),
        ("chaos_ct_8", "skipped", "8/Ground: mask without image"),
    ]


def test_slices_without_their_label_fail(tmp_path: Path) -> None:
    ground = chaos_ct(tmp_path) / "CT/3/Ground"
    (ground / "liver_GT_002.png").unlink()
    _, (defect,) = catalogue.index("chaos-ct", tmp_path, None)
    assert defect.kind == "failed" and "4 slices in the folder, but 3 labels beside Ground/" in defect.reason
    write_png(ground / "liver_GT_009.png", np.zeros((dicom.ROWS, dicom.COLUMNS), np.uint8))
    _, (defect,) = catalogue.index("chaos-ct", tmp_path, None)
    assert "i0002,0000b.dcm: no label has its number; the next is Ground/liver_GT_003.png" in defect.reason


def test_a_label_of_another_size_fails(tmp_path: Path) -> None:
    ground = chaos_ct(tmp_path) / "CT/3/Ground"
    write_png(ground / "liver_GT_002.png", np.zeros((5, 6), np.uint8), "1")
    with pytest.raises(DataError, match=r"liver_GT_002\.png: \(5, 6\) pixels, .*i0002,0000b\.dcm has \(6, 5\)"):
        read("chaos-ct", tmp_path)
