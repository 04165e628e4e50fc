from pathlib import Path

import numpy as np
import pytest

from bench.data import catalogue
from bench.data.case import DataError, Defect, Item
from bench.data.datasets import load
from tests.helpers.layouts import corner, isles_a, isles_b, voxels, write_nifti


def write(root: Path, name: str, kind: str = "anat", label: np.ndarray | None = None) -> Path:
    """An image below its subject, or a mask below the derivatives, by its name."""
    parts = [part for part in name.split("_") if part.startswith(("sub-", "ses-"))]
    above = root if label is None else root / "derivatives/expert"
    return write_nifti(above.joinpath(*parts, kind, f"{name}.nii.gz"), voxels() if label is None else label)


def index(root: Path) -> tuple[list[Item], list[Defect]]:
    return catalogue.index("bids", root, None)


def test_masks_go_to_the_image_of_their_subject_and_session(tmp_path: Path) -> None:
    for session in ("1", "2"):
        write(tmp_path, f"sub-01_ses-{session}_T1w")
        write(tmp_path, f"sub-01_ses-{session}_label-lesion_mask", label=corner() if session == "1" else corner()[::-1])
    items, defects = index(tmp_path)
    assert ([item.case for item in items], defects) == (["sub-01_ses-1_T1w", "sub-01_ses-2_T1w"], [])
    assert {item.patient for item in items} == {"sub-01"}
    second = catalogue.read(items[1])
    np.testing.assert_array_equal(second.masks["lesion"], corner()[::-1] > 0)
    assert second.modality == "MR"


@pytest.mark.parametrize(
    ("suffix", "target"),
    [
        ("label-lesion_mask", "lesion"),
        ("label-L_desc-T1lesion_mask", "L T1lesion"),
        ("desc-brain_mask", "brain"),
        ("lesion-msk", "lesion"),
        ("msk", "foreground"),
    ],
)
def test_a_mask_is_named_by_what_its_name_says(tmp_path: Path, suffix: str, target: str) -> None:
    write(tmp_path, "sub-01_T1w")
    write(tmp_path, f"sub-01_{suffix}", label=corner())
    ((item,), _) = index(tmp_path)
    assert catalogue.read(item).masks.keys() == {target}


def test_a_label_map_is_named_by_the_table_beside_it(tmp_path: Path) -> None:
    write(tmp_path, "sub-01_T1w")
    path = write(tmp_path, "sub-01_dseg", label=corner(value=2))
    ((item,), _) = index(tmp_path)
    assert catalogue.read(item).masks.keys() == {"label 2"}
    table = path.parent / "sub-01_dseg.tsv"
    table.write_text("index\tname\n0\tBackground\n1\tliver\n2\tspleen\n")
    assert catalogue.read(item).masks.keys() == {"spleen"}
    table.write_text("index\tname\n1\tliver\n")
    with pytest.raises(DataError, match=r"without a class .*: 2 \(6\)"):
        catalogue.read(item)
    table.write_text("id\tname\n1\tliver\n")
    with pytest.raises(DataError, match="not a table of index and name"):
        catalogue.read(item)


def test_a_mask_that_names_its_image_goes_to_that_one(tmp_path: Path) -> None:
    for name, kind in (("sub-01_T1w", "anat"), ("sub-01_FLAIR", "anat"), ("sub-01_dwi", "dwi")):
        write(tmp_path, name, kind)
    write(tmp_path, "sub-01_space-T1w_label-a_mask", label=corner())
    write(tmp_path, "sub-01_dwi_label-b_mask", label=corner())
    items, defects = index(tmp_path)
    assert {item.case: set(catalogue.read(item).masks) for item in items} == {"sub-01_T1w": {"a"}, "sub-01_dwi": {"b"}}
    assert [(one.case, one.reason.split(": ")[1]) for one in defects] == [("sub-01_FLAIR", "image without mask")]


def test_a_mask_that_fits_two_runs_or_no_image_is_a_record(tmp_path: Path) -> None:
    for run in ("1", "2"):
        write(tmp_path, f"sub-01_run-{run}_T1w")
    write(tmp_path, "sub-01_label-a_mask", label=corner())
    write(tmp_path, "sub-01_run-2_label-b_mask", label=corner())
    write(tmp_path, "sub-02_label-a_mask", label=corner())
    (item,), defects = index(tmp_path)
    assert item.case == "sub-01_run-2_T1w" and len(item.files) == 2
    reasons = {one.case: (one.kind, one.reason) for one in defects}
    assert reasons["sub-01_label-a_mask"][0] == "failed" and "fits several images" in reasons["sub-01_label-a_mask"][1]
    assert reasons["sub-01_run-1_T1w"] == ("skipped", "anat/sub-01_run-1_T1w.nii.gz: image without mask")
    assert reasons["sub-02_label-a_mask"] == ("skipped", "anat/sub-02_label-a_mask.nii.gz: mask without image")


def test_masks_of_another_grid_and_doubled_classes_fail(tmp_path: Path) -> None:
    write(tmp_path, "sub-01_T1w")
    write(tmp_path, "sub-01_label-a_mask", label=corner((6, 7, 6)))
    ((item,), _) = index(tmp_path)
    with pytest.raises(DataError, match=r"shape \(6, 7, 6\) differs"):
        catalogue.read(item)
    write(tmp_path, "sub-01_label-a_mask", label=corner())
    write(tmp_path, "sub-01_label-a_res-2_mask", label=corner())
    ((item,), _) = index(tmp_path)
    with pytest.raises(DataError, match="the class 'a' is in another mask of sub-01_T1w, too"):
        catalogue.read(item)


def test_isles_and_folders_without_derivatives_are_left_to_others(tmp_path: Path) -> None:
    isles_a(tmp_path / "a")
    isles_b(tmp_path / "b")
    write(tmp_path / "c", "sub-01_T1w")
    assert list(load("bids").find(tmp_path)) == []
    write(tmp_path / "c", "sub-01_mask", label=corner())
    assert list(load("bids").find(tmp_path)) == [tmp_path / "c"]
    (tmp_path / "c/sub-01").rename(tmp_path / "c/sub-01x")
    (tmp_path / "c/rawdata").mkdir()
    (tmp_path / "c/sub-01x").rename(tmp_path / "c/rawdata/sub-01")
    assert [item.case for item in index(tmp_path)[0]] == ["sub-01_T1w"]


def test_a_mask_without_session_goes_to_no_image_of_one(tmp_path: Path) -> None:
    write(tmp_path, "sub-01_ses-1_T1w")
    write(tmp_path, "sub-01_label-a_mask", label=corner())
    items, defects = index(tmp_path)
    assert items == []
    assert [one.reason.split(": ")[1] for one in defects] == ["mask without image", "image without mask"]
