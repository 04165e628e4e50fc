import errno
import os
from pathlib import Path

import numpy as np
import pytest

from bench.data.check import ClassCount, check
from tests.helpers.layouts import SHAPE, segthor, spoil_checksum, voxels, write_nifti


def spoilt(root: Path) -> Path:
    """Three usable patients, one of them odd; one empty, one broken, one without labels."""
    for number in (1, 2, 5):
        segthor(root, number)
    segthor(root, 3)
    write_nifti(root / "train/Patient_03/Patient_03.nii.gz", voxels())
    segthor(root, 4, np.zeros(SHAPE, np.uint8))
    spoil_checksum(root / "train/Patient_02/GT.nii.gz")
    write_nifti(root / "test/Patient_41.nii.gz", voxels())
    return root


def test_every_case_is_read_and_every_defect_counted(tmp_path: Path) -> None:
    report = check("segthor", spoilt(tmp_path))
    assert report.cases == ("Patient_01", "Patient_03", "Patient_05")
    assert [(defect.case, defect.kind) for defect in report.defects] == [
        ("Patient_02", "failed"),
        ("Patient_04", "skipped"),
        ("Patient_41", "skipped"),
    ]
    assert report.failed == 1
    ((case, warning),) = report.warnings
    assert (case, warning[:30]) == ("Patient_03", "CT voxels run from 1 to 210, 0")
    assert report.classes == {
        "aorta": ClassCount(3, 1, 1),
        "heart": ClassCount(3, 6, 6),
    }


def test_the_text_names_all_of_it(tmp_path: Path) -> None:
    lines = check("segthor", spoilt(tmp_path)).text().splitlines()
    assert lines[0] == "segthor: 3 usable, 2 skipped, 1 failed"
    assert lines[1].startswith("failed Patient_02: Patient_02/GT.nii.gz: cannot be read (BadGzipFile: CRC")
    assert lines[4].startswith("warning Patient_03: ")
    assert lines[5].split() == ["class", "cases", "smallest", "(px)", "largest", "(px)"]


def test_cases_of_several_roots_keep_apart(tmp_path: Path) -> None:
    segthor(tmp_path / "one")
    segthor(tmp_path / "two")
    assert check("segthor", tmp_path).cases == ("one/Patient_01", "two/Patient_01")


def test_a_folder_without_the_layout_is_an_error_with_the_layout(tmp_path: Path) -> None:
    with pytest.raises(Exception, match=r"no segthor below .*train/Patient_NN"):
        check("segthor", tmp_path)


def test_a_folder_that_cannot_be_listed_is_a_defect(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in (1, 2):
        segthor(tmp_path, number)
    seen = os.scandir

    def denied(path: str) -> object:
        if str(path).endswith("Patient_02"):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
        return seen(path)

    monkeypatch.setattr(os, "scandir", denied)
    report = check("segthor", tmp_path)
    assert [(one.kind, one.reason) for one in report.defects if "cannot be listed" in one.reason] == [
        ("failed", "train/Patient_02: cannot be listed (Permission denied)")
    ]
