from pathlib import Path

import pytest

from bench.data import catalogue
from bench.data.case import DataError
from tests.helpers.layouts import corner
from tests.helpers.source_layouts import isles2015


def test_channels_go_by_their_token_whatever_the_numbers(tmp_path: Path) -> None:
    isles2015(tmp_path, 1)
    isles2015(tmp_path, 28)
    found = {name: catalogue.index(name, tmp_path, None) for name in ("isles2015-siss", "isles2015-siss-dwi")}
    assert all(defects == [] for _, defects in found.values())
    images = {name: items[0].files["image"].name for name, (items, _) in found.items()}
    assert images == {
        "isles2015-siss": "VSD.Brain.XX.O.MR_Flair.70000.nii",
        "isles2015-siss-dwi": "VSD.Brain.XX.O.MR_DWI.70003.nii",
    }
    items, _ = found["isles2015-siss"]
    assert [item.patient for item in items] == ["isles2015_1", "isles2015_28"]
    case = catalogue.read(items[0])
    assert (case.modality, {name: int(mask.sum()) for name, mask in case.masks.items()}) == (
        "MR",
        {"ischemic stroke lesion": 6},
    )


def test_cases_without_truth_and_lesions_of_other_numbers_are_reasons(tmp_path: Path) -> None:
    isles2015(tmp_path, 1, values=corner(value=2))
    isles2015(tmp_path, 2)
    next((tmp_path / "SISS2015_Training/2").glob("*OT*/*")).unlink()
    (item,), (defect,) = catalogue.index("isles2015-siss", tmp_path, None)
    assert defect.kind == "skipped" and defect.reason.endswith("image without mask")
    with pytest.raises(DataError, match=r"2 \(6\); save the mask with 0 and 1"):
        catalogue.read(item)


def test_a_meta_image_is_refused_with_the_remedy(tmp_path: Path) -> None:
    isles2015(tmp_path, 1)
    path = next(tmp_path.glob("**/*MR_Flair*.nii"))
    path.rename(path.with_suffix(".mha"))
    ((item,), _) = catalogue.index("isles2015-siss", tmp_path, None)
    with pytest.raises(DataError, match=r"\.mha: a MetaImage is not read; convert it to \.nii\.gz"):
        catalogue.read(item)
