from pathlib import Path

import numpy as np
import pytest
from pydicom import dcmread

from bench.data import catalogue
from bench.data.case import Defect, Item
from bench.data.datasets import load
from tests.helpers.dicom import rectangle, segmentation, series, stored, structures
from tests.helpers.source_layouts import chaos_ct, chaos_mr


def block() -> np.ndarray:
    mask = np.zeros(stored().shape, np.uint8)
    mask[1, 2:4, 1] = 1
    return mask


def study(root: Path) -> list[Path]:
    """A CT in a folder of its own, a SEG and an RTSTRUCT in others."""
    images = series(root / "ct")
    (root / "seg").mkdir()
    segmentation(root / "seg/seg.dcm", images, {"liver": block()})
    structures(root / "rt/rt.dcm", {"heart": [rectangle(0, 0, 2, 2, 0)]})
    return images


def index(root: Path) -> tuple[list[Item], list[Defect]]:
    return catalogue.index("dicom", root, None)


def test_each_annotation_of_a_study_is_a_case_of_its_patient(tmp_path: Path) -> None:
    images = study(tmp_path)
    items, defects = index(tmp_path)
    assert ([item.case for item in items], defects) == (["rt/rt", "seg/seg"], [])
    assert len({item.patient for item in items}) == 1
    cases = {item.case: catalogue.read(item) for item in items}
    assert {name: (case.modality, *case.masks) for name, case in cases.items()} == {
        "rt/rt": ("CT", "heart"),
        "seg/seg": ("CT", "liver"),
    }
    np.testing.assert_array_equal(cases["seg/seg"].masks["liver"], block().transpose(2, 1, 0) > 0)
    assert len(items[0].files) == len(images) + 1 == 5


def test_one_patient_of_two_studies_is_one(tmp_path: Path) -> None:
    study(tmp_path / "a")
    study(tmp_path / "b")
    items, _ = index(tmp_path)
    assert [item.case for item in items] == ["a/rt/rt", "a/seg/seg", "b/rt/rt", "b/seg/seg"]
    assert len({item.patient for item in items}) == 1


@pytest.mark.parametrize(
    ("facts", "patient"),
    [
        ({"PatientID": "LIDC-1", "PatientIdentityRemoved": "YES"}, "LIDC-1"),
        ({"PatientID": "12345"}, "patient-5994471abb01"),  # sha256 of the id
        ({"PatientID": ""}, "rt"),
    ],
)
def test_an_id_that_may_identify_is_not_shown(tmp_path: Path, facts: dict[str, str], patient: str) -> None:
    series(tmp_path, **facts)
    structures(tmp_path / "rt.dcm", {"heart": [rectangle(0, 0, 2, 2, 0)]})
    ((item,), _) = index(tmp_path)
    assert item.patient == patient


def test_two_series_in_a_folder_are_told_apart_by_the_one_that_is_named(tmp_path: Path) -> None:
    study(tmp_path)
    series(tmp_path / "ct", names=["x", "y"], values=stored(2), SeriesInstanceUID="1.2.8")
    items, (defect,) = index(tmp_path)
    assert [len(item.files) for item in items] == [5, 5]
    assert defect.kind == "skipped" and "ct/x: a series of 2 files without SEG or RTSTRUCT" in defect.reason


def test_an_annotation_of_a_series_that_is_not_here_is_skipped(tmp_path: Path) -> None:
    images = study(tmp_path)
    for path in images:
        made = dcmread(path)
        made.SeriesInstanceUID = "1.2.8"
        made.save_as(path)
    items, defects = index(tmp_path)
    assert items == []
    assert [one.kind for one in defects] == ["skipped"] * 3
    assert "rt/rt.dcm: mask without image: the series that it was drawn on is not here" in defects[1].reason


def test_an_annotation_that_names_no_series_takes_the_one_of_its_frame(tmp_path: Path) -> None:
    study(tmp_path)
    made = dcmread(tmp_path / "rt/rt.dcm")
    del made.ReferencedFrameOfReferenceSequence
    made.save_as(tmp_path / "rt/rt.dcm")
    assert [item.case for item in index(tmp_path)[0]] == ["rt/rt", "seg/seg"]
    series(tmp_path / "other", SeriesInstanceUID="1.2.8")
    items, defects = index(tmp_path)
    assert [item.case for item in items] == ["seg/seg"]
    assert "rt/rt.dcm: mask without image: drawn on 2 series; keep one" in defects[1].reason


def test_series_without_annotations_are_left_to_other_readers(tmp_path: Path) -> None:
    chaos_ct(tmp_path)
    chaos_mr(tmp_path)
    assert list(load("dicom").find(tmp_path)) == []
    study(tmp_path / "study")
    assert list(load("dicom").find(tmp_path)) == [tmp_path / "study"]
