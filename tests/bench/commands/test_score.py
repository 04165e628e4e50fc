"""`bench score` and the other steps of a run as commands of their own."""

import pandas as pd
import pytest

from tests.helpers.command_line import SQUARES, bench

pytestmark = pytest.mark.usefixtures("working_folder")


def test_steps_as_commands(capsys, tmp_path):
    code, out, _ = bench(capsys, *SQUARES, "--predict-only")
    assert code == 0 and "bench score r" in out and not (tmp_path / "r/records.parquet").exists()
    assert bench(capsys, "table", "r")[0] == 2
    assert bench(capsys, "score", "r")[0] == 1
    assert len(pd.read_parquet("r/records.parquet"))
    code, out, _ = bench(capsys, "report", "r")
    assert code == 0 and "dice-box-macro_class.tex" in out
