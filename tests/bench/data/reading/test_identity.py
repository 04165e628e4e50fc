import os
from pathlib import Path

import pytest

from bench.data import catalogue
from bench.data.check import check
from bench.errors import RunError
from tests.helpers.layouts import corner, folder, isles_a, nnunet, picture, segthor, square, totalsegmentator, write_png


def three_patients(root: Path) -> None:
    for number in (1, 2, 3):
        segthor(root, number)


def test_links_to_folders_are_named_and_not_entered(tmp_path: Path) -> None:
    three_patients(tmp_path / "set")
    (tmp_path / "again").symlink_to("set")
    for name in ("a", "b", "c"):
        (tmp_path / "set" / name).symlink_to("..")
    report = check("segthor", tmp_path)
    assert len(report.cases) == 3
    assert [(defect.case, defect.kind) for defect in report.defects] == [
        (name, "skipped") for name in ("again", "set/a", "set/b", "set/c")
    ]
    assert "a link to the folder" in report.defects[0].reason and "--follow-links" in report.defects[0].reason


def test_followed_links_reach_each_folder_once(tmp_path: Path) -> None:
    three_patients(tmp_path / "set")
    three_patients(tmp_path / "elsewhere" / "other")
    data = tmp_path / "data"
    data.mkdir()
    (data / "set").symlink_to(tmp_path / "set")
    (data / "again").symlink_to(tmp_path / "set")
    (tmp_path / "set/loop").symlink_to(data)
    with pytest.raises(RunError, match=r"links not entered without --follow-links: data/again, data/set"):
        check("segthor", data)
    report = check("segthor", data, follow_links=True)
    assert len(report.cases) == 3
    assert report.failed == 0


def test_bids_derivatives_that_link_to_their_source_double_nobody(tmp_path: Path) -> None:
    isles_a(tmp_path)
    for name in ("one", "two"):
        (tmp_path / "derivatives" / name).mkdir()
        (tmp_path / "derivatives" / name / "sourcedata").symlink_to("../..")
    report = check("isles2022", tmp_path)
    assert report.cases == ("sub-strokecase0001",)
    assert len(report.defects) == 2 and report.failed == 0


@pytest.mark.parametrize("link", [os.symlink, os.link])
def test_the_same_files_under_another_name_are_one_case(tmp_path: Path, link) -> None:
    totalsegmentator(tmp_path, "s0002", "ct", {"liver": corner()})
    (tmp_path / "s0001/segmentations").mkdir(parents=True)
    for name in ("ct.nii.gz", "segmentations/liver.nii.gz"):
        link(tmp_path / "s0002" / name, tmp_path / "s0001" / name)
    report = check("totalsegmentator-ct", tmp_path)
    assert len(report.cases) == 1
    (defect,) = report.defects
    assert (defect.kind, "the same files as case" in defect.reason) == ("skipped", True)
    if link is os.symlink:
        assert report.cases == ("s0002",)


def test_a_linked_folder_that_a_layout_names_is_used(tmp_path: Path) -> None:
    nnunet(tmp_path / "set", {"background": 0, "liver": 1})
    (tmp_path / "set/labelsTr").rename(tmp_path / "round2")
    (tmp_path / "set/labelsTr").symlink_to("../round2")
    report = check("nnunet", tmp_path)
    assert (report.cases, report.defects) == (("liver 1",), ())


def test_ids_that_differ_in_capitals_only_are_all_refused(tmp_path: Path) -> None:
    folder(tmp_path, square())
    for name in ("A", "b"):
        write_png(tmp_path / f"images/{name}.png", picture())
        write_png(tmp_path / f"masks/{name}.png", square())
    items, defects = catalogue.index("folder", tmp_path, None)
    assert [item.case for item in items] == ["b"]
    assert [(defect.case, defect.kind) for defect in defects] == [("A", "failed"), ("a", "failed")]
    assert "cannot be told apart: images/A.png, images/a.png; rename all but one" in defects[0].reason
