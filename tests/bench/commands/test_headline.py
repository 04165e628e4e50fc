"""What is printed at the end of a run."""

from dataclasses import replace

from bench.commands.headline import finish
from bench.running.run import RunOutcome
from tests.helpers import pages


def test_headlines_are_printed_and_failures_decide_the_code(capsys, tmp_path):
    tables = [replace(pages.table(), role=role, caption=f"It is {role}.") for role in ("headline", "summary", "rounds")]
    assert finish(RunOutcome(tmp_path, [*tables, pages.text_table()], failed=2, skipped=3)) == 1
    out = capsys.readouterr().out
    assert "It is headline." in out and "It is rounds." in out and "It is summary." not in out
    assert f"2 failed, 3 skipped; reasons in {tmp_path / 'failures.parquet'}" in out


def test_a_run_without_failures_ends_well(capsys, tmp_path):
    assert finish(RunOutcome(tmp_path, [], failed=0, skipped=0)) == 0
    assert capsys.readouterr().out == f"\nRun folder: {tmp_path}\n"
