import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench.data import catalogue
from bench.data.case import DataError, Defect, Item
from bench.data.datasets import load
from tests.helpers.layouts import corner, nnunet, voxels, write_json, write_nifti

MSD = load("msd")


def task(root: Path, label: Any = None, cases: tuple[str, ...] = ("spleen_2",)) -> Path:
    """A task of the Decathlon, with a file of macOS beside each file."""
    for case in cases:
        write_nifti(root / f"imagesTr/{case}.nii.gz", voxels())
        write_nifti(root / f"labelsTr/{case}.nii.gz", corner() if label is None else label)
        for folder in ("imagesTr", "labelsTr"):
            (root / f"{folder}/._{case}.nii.gz").write_bytes(b"\0\5\x16\7AppleDouble")
    pairs = [{"image": f"./imagesTr/{case}.nii.gz", "label": f"./labelsTr/{case}.nii.gz"} for case in cases]
    content = {"modality": {"0": "CT"}, "labels": {"0": "background", "1": "spleen"}, "training": pairs}
    write_json(root / "dataset.json", content)
    return root


@pytest.mark.parametrize("kind", [np.uint8, np.float32, np.float64])
def test_labels_of_any_type_and_files_of_macos(tmp_path: Path, kind: Any) -> None:
    items, defects = catalogue.index("msd", task(tmp_path, corner().astype(kind)), None)
    assert defects == []
    case = catalogue.read(items[0])
    assert (case.case, case.modality) == ("spleen_2", "CT")
    assert {name: int(mask.sum()) for name, mask in case.masks.items()} == {"spleen": 6}
    np.testing.assert_array_equal(case.image, voxels())


def test_several_channels_are_refused_with_the_remedy(tmp_path: Path) -> None:
    task(tmp_path)
    write_nifti(tmp_path / "imagesTr/spleen_2.nii.gz", np.stack([voxels(), voxels()], axis=-1))
    (item,) = MSD.index(tmp_path)
    assert isinstance(item, Item)
    with pytest.raises(DataError, match=r"4-D of shape .*choose one channel"):
        MSD.read(item)


def test_what_is_missing_unlisted_or_odd_is_a_record(tmp_path: Path) -> None:
    task(tmp_path, cases=("a_1", "b_2", "c_3"))
    (tmp_path / "labelsTr/a_1.nii.gz").unlink()
    (tmp_path / "imagesTr/b_2.nii.gz").unlink()
    write_nifti(tmp_path / "imagesTr/d_4.nii.gz", voxels())
    path = tmp_path / "dataset.json"
    content = content_of(path)
    content["training"] += ["c_3.nii.gz", {"image": "../x.nii.gz", "label": "./labelsTr/x.nii.gz"}]
    write_json(path, content)
    found = {entry.case: entry for entry in MSD.index(tmp_path)}
    reasons = {case: (one.kind, one.reason) for case, one in found.items() if isinstance(one, Defect)}
    assert isinstance(found["c_3"], Item)
    assert reasons["a_1"] == ("skipped", "imagesTr/a_1.nii.gz: image without mask labelsTr/a_1.nii.gz")
    assert reasons["b_2"] == ("skipped", "labelsTr/b_2.nii.gz: mask without image imagesTr/b_2.nii.gz")
    assert reasons["d_4"] == ("skipped", "imagesTr/d_4.nii.gz: not listed in dataset.json")
    assert reasons["training list"][0] == "failed" and "leads out" in reasons["x"][1]


def content_of(path: Path) -> Any:

    return json.loads(path.read_text())


def test_a_list_of_another_layout_is_refused_and_nnunet_is_left_to_its_reader(tmp_path: Path) -> None:
    root = task(tmp_path / "Task09_Spleen")
    nnunet(tmp_path / "Dataset001", {"background": 0, "liver": 1})
    assert list(MSD.find(tmp_path)) == [root]
    assert list(load("nnunet").find(tmp_path)) == [tmp_path / "Dataset001"]
    write_json(root / "dataset.json", {"labels": {"0": "background"}})
    with pytest.raises(DataError, match="not of the Decathlon layout"):
        MSD.index(root)
