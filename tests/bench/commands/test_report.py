"""`bench report`."""

from pathlib import Path

import pytest

from tests.helpers.command_line import SQUARES, bench

pytestmark = pytest.mark.usefixtures("working_folder")


def test_a_scored_run_is_reported_again_and_every_table_named(capsys):
    bench(capsys, *SQUARES)
    for path in Path("r/tables").iterdir():
        path.unlink()
    code, out, _ = bench(capsys, "report", "r")
    named = [Path(line) for line in out.splitlines() if line.endswith(".tex")]
    assert code == 0 and Path("r/tables/dice-box-macro_class.tex") in named
    assert all(path.is_file() for path in named)


def test_a_folder_without_a_run_is_refused(capsys):
    code, _, err = bench(capsys, "report", "data")
    assert code == 2 and "data" in err
