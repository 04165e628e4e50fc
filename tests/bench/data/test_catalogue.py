import dataclasses
from pathlib import Path

import numpy as np
import pytest

from bench.data import catalogue
from bench.data.case import DataError
from bench.data.check import check
from bench.data.datasets import load
from bench.data.reading import pictures
from tests.helpers.layouts import corner, folder, nnunet, picture, segthor, square, write_json, write_nifti, write_png


def two_cases(root: Path) -> None:
    folder(root, square())
    write_png(root / "images/b.png", picture())
    write_png(root / "masks/b.png", square())


@pytest.mark.parametrize("error", [RecursionError("deep"), MemoryError(), OverflowError("far"), UnicodeError("half")])
def test_whatever_a_reader_raises_is_a_defect_of_its_case(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    two_cases(tmp_path)
    decode = pictures.read_picture

    def spoilt(path: Path) -> np.ndarray:
        if path.name == "a.png":
            raise error
        return decode(path)

    monkeypatch.setattr("bench.data.datasets.folder.read_picture", spoilt)
    report = check("folder", tmp_path)
    assert report.cases == ("b",)
    (defect,) = report.defects
    assert (defect.case, defect.kind) == ("a", "failed")
    assert defect.reason.startswith(f"images/a.png: cannot be read ({type(error).__name__}: ")


def test_whatever_stops_the_list_of_a_root_leaves_the_other_roots(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("one", "two"):
        segthor(tmp_path / name)
    dataset = load("segthor")

    def spoilt(root: Path) -> object:
        if root.name == "one":
            raise RecursionError("deep")
        return dataset.index(root)

    monkeypatch.setattr(catalogue, "load", lambda name: dataclasses.replace(dataset, index=spoilt))
    items, (defect,) = catalogue.index("segthor", tmp_path, None)
    assert [item.case for item in items] == ["two/Patient_01"]
    assert defect.reason == "one: cannot be listed (RecursionError: deep)"


def test_names_are_safe_to_print_and_to_store(tmp_path: Path) -> None:
    folder(tmp_path, square(), "a\x1b[31m.png")
    (tmp_path / "images/a.png").rename(tmp_path / "images/a\x1b[31m.png")
    write_png(tmp_path / "images/\udcff.png", picture())
    write_json(tmp_path / "labels.json", {"liver\x1b[0m": 255})
    report = check("folder", tmp_path)
    assert report.cases == ("a\\x1b[31m",)
    assert [defect.case for defect in report.defects] == ["\\udcff"]
    assert report.classes.keys() == {"liver\\x1b[0m"}
    assert report.text().replace("\n", "").isprintable()


def test_classes_with_the_sign_of_components_keep_apart(tmp_path: Path) -> None:
    both = corner()
    both[4, 4, 4] = 2
    nnunet(tmp_path, {"background": 0, "nodule #1": 1, "nodule #2": 2}, label=both)
    report = check("nnunet", tmp_path)
    assert report.classes.keys() == {"nodule ##1", "nodule ##2"}
    assert "nodule #1 " in report.text()


@pytest.mark.parametrize(
    ("names", "reason"),
    [
        (("Average", "b"), "named 'Average', which tables need"),
        (("average", "b"), "named 'average', which tables need"),
        (("Liver", "liver"), "'Liver' and 'liver' differ in no more than capitals"),
        (("M\u00fcller", "Mu\u0308ller"), "differ in no more than capitals"),
        (("", "b"), "named ''"),
    ],
)
def test_class_names_that_tables_cannot_tell_apart_are_refused(
    tmp_path: Path, names: tuple[str, str], reason: str
) -> None:
    both = corner()
    both[4, 4, 4] = 2
    nnunet(tmp_path, {"background": 0, names[0]: 1, names[1]: 2}, label=both)
    (item,), _ = catalogue.index("nnunet", tmp_path, None)
    with pytest.raises(DataError, match=reason):
        catalogue.read(item)


def test_files_outside_of_the_data_folder_are_not_read(tmp_path: Path) -> None:
    data = tmp_path / "data"
    segthor(data)
    image = data / "train/Patient_01/Patient_01.nii.gz"
    image.rename(tmp_path / "secret.nii.gz")
    image.symlink_to(tmp_path / "secret.nii.gz")
    (item,), _ = catalogue.index("segthor", data, None)
    with pytest.raises(DataError, match=r"Patient_01\.nii\.gz: leads out of the data folder"):
        catalogue.read(item)
    (followed,), _ = catalogue.index("segthor", data, None, follow_links=True)
    assert catalogue.read(followed).masks


def test_the_arrays_are_trusted_through_the_catalogue(tmp_path: Path) -> None:
    label = corner()
    nnunet(tmp_path, {"background": 0, "a": 1}, label=label)
    write_nifti(tmp_path / "imagesTr/liver 1_0000.nii.gz", np.where(label, 200, -100).astype(np.int16))
    write_nifti(tmp_path / "labelsTr/liver 1.nii.gz", label[::-1, ::-1], np.diag([2.0, 1, 3, 1]), "RAS")
    (item,), _ = catalogue.index("nnunet", tmp_path, None, trust_arrays=True)
    case = catalogue.read(item)
    np.testing.assert_array_equal(case.image == 200, case.masks["a"])
