from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from bench.data import catalogue
from bench.data.case import DataError
from tests.helpers.layouts import SHAPE, corner, voxels
from tests.helpers.source_layouts import acdc


def test_both_frames_are_one_patient_and_the_series_is_no_case(tmp_path: Path) -> None:
    values = np.zeros(SHAPE, np.uint8)
    values[:3, 0, 0] = 1, 2, 3
    acdc(tmp_path, values=values)
    items, defects = catalogue.index("acdc", tmp_path, None)
    assert [(item.case, item.patient) for item in items] == [
        ("patient001_frame01", "patient001"),
        ("patient001_frame12", "patient001"),
    ]
    assert defects == []
    masks = catalogue.read(items[0]).masks
    assert {name: np.argwhere(mask).tolist() for name, mask in masks.items()} == {
        "right_ventricle": [[0, 0, 0]],
        "myocardium": [[1, 0, 0]],
        "left_ventricle": [[2, 0, 0]],
    }


def test_patient_folders_may_lie_in_the_folder_itself(tmp_path: Path) -> None:
    (acdc(tmp_path) / "training").rename(tmp_path / "flat")
    items, _ = catalogue.index("acdc", tmp_path / "flat", None)
    assert [item.patient for item in items] == ["patient001", "patient001"]


def test_spacing_is_that_of_the_header_where_the_sform_has_unit_scale(tmp_path: Path) -> None:
    folder = acdc(tmp_path) / "training/patient001"
    for name in ("patient001_frame01", "patient001_frame01_gt"):
        image = nib.Nifti1Image(corner() if name.endswith("gt") else voxels(), np.diag([-1.0, -1.0, 1.0, 1.0]))
        image.header.set_zooms((1.316, 1.316, 10.0))
        image.header["pixdim"][1:4] = 1.316, 1.316, 10
        nib.save(image, folder / f"{name}.nii.gz")
    item, _ = catalogue.index("acdc", tmp_path, None)[0]
    assert catalogue.read(item).spacing_mm == (1.316, 1.316, 10.0)


def test_a_label_of_another_number_fails(tmp_path: Path) -> None:
    acdc(tmp_path, values=corner(value=4))
    item, _ = catalogue.index("acdc", tmp_path, None)[0]
    with pytest.raises(DataError, match=r"patient001_frame01_gt\.nii\.gz: values without a class .*: 4 \(6\)"):
        catalogue.read(item)
