"""`bench paper`."""

import re

import pytest

from tests.helpers.command_line import bench

pytestmark = pytest.mark.usefixtures("working_folder")


def test_paper_audit_is_printed(capsys):
    code, out, _ = bench(capsys, "paper")
    assert code == 0 and re.search(r"83\.39 +81\.07 .*does not follow", out)
