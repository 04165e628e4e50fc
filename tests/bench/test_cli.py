"""Exit codes of the command line, and the installed command."""

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.helpers import fakes
from tests.helpers.command_line import SQUARES, bench, one_line

pytestmark = pytest.mark.usefixtures("working_folder")
COMMAND = str(Path(sys.executable).with_name("bench"))


def test_full_disk_is_one_line_and_exit_1(capsys, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "replace", full)
    code, _, err = bench(capsys, *SQUARES)
    assert code == 1 and "No space left on device: free some space" in one_line(err)


def test_interruption_is_exit_130_and_resumable(capsys, monkeypatch):
    arguments = [*SQUARES]
    arguments[arguments.index("fake/good")] = "fake/dies"
    code, _, err = bench(capsys, *arguments)
    assert code == 130 and "run the same command again to resume" in one_line(err)
    monkeypatch.setattr(fakes.Fake, "dies_after", 100)
    code, out, _ = bench(capsys, *arguments)
    assert code == 1 and "fake/dies" in out


def test_the_installed_command_answers():
    done = subprocess.run([sys.executable, "-m", "bench.cli"], capture_output=True, text=True, check=False)
    assert done.returncode == 0
    done = subprocess.run([COMMAND, "--help"], capture_output=True, text=True, check=True)
    assert "run" in done.stdout and "verify" in done.stdout
