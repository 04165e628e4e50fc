"""`bench run --dry-run`."""

import re

import pytest

from tests.helpers.command_line import SQUARES, bench

pytestmark = pytest.mark.usefixtures("working_folder")


def test_dry_run_counts_and_writes_nothing(capsys, tmp_path):
    code, out, _ = bench(capsys, *SQUARES, "--dry-run", "--prompt", "box,click")
    assert code == 0 and re.search(r"squares +3 +5 +1", out)
    assert "fake/good: box, click on 5 cases" in out and "baseline/box: box on 5 cases" in out
    assert not (tmp_path / "r").exists()
