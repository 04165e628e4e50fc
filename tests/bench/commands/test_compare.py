"""`bench compare`."""

import pandas as pd
import pytest

from tests.helpers.command_line import bench
from tests.helpers.compared import write


def test_the_command_prints_a_table_and_writes_a_file(tmp_path, capsys):
    one = write(tmp_path / "a", 0.0)
    other = write(tmp_path / "b", 0.02, precision="bf16", models=("sam/mini",))
    code, text, _ = bench(capsys, "compare", one, other, "--out", tmp_path / "d.csv")
    assert code == 0 and "+2.00" in text and "[+2.00, +2.00]" in text
    assert "precision" in text and "bf16" in text and "Only in A, not compared: huang/mini" in text
    assert pd.read_csv(tmp_path / "d.csv")["delta"].tolist() == pytest.approx([0.02])


def test_the_command_refuses_in_one_line(tmp_path, capsys):
    one = write(tmp_path / "a", 0.0)
    other = write(tmp_path / "b", 0.0, digest="e" * 64)
    code, _, error = bench(capsys, "compare", one, other)
    assert code == 2 and error.count("\n") == 1 and "different prompts" in error
