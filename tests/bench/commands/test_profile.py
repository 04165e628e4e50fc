"""`bench profile`."""

import pytest

from bench.running import profile
from tests.helpers.command_line import SQUARES, bench

pytestmark = pytest.mark.usefixtures("working_folder")


def test_steps_and_models_of_a_run_are_printed(capsys, monkeypatch):
    monkeypatch.setattr(profile, "matmul_rate", lambda device, precision: 1e9)
    bench(capsys, *SQUARES)
    code, out, _ = bench(capsys, "profile", "r")
    assert code == 0 and "encode" in out and "fake/good" in out and "MFU %" in out


def test_a_folder_without_a_run_is_refused(capsys):
    code, _, err = bench(capsys, "profile", "data")
    assert code == 2 and "data" in err
