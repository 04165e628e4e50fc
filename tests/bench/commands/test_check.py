"""`bench check`."""

import pytest

from tests.helpers.command_line import bench

pytestmark = pytest.mark.usefixtures("working_folder")


def test_check_data_lists_what_is_wrong(capsys):
    code, out, _ = bench(capsys, "check", "data", "--data", "data", "--datasets", "squares")
    assert code == 1 and "CRC check failed" in out and "no mask" in out
