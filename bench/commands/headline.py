"""What a command prints at the end of a run: its headline tables, where they are, what failed."""

from typing import TYPE_CHECKING

from bench.commands.options import OK, SOME_FAILED

if TYPE_CHECKING:
    from bench.running.run import Outcome


def finish(outcome: "Outcome") -> int:
    """Print the headline tables of a run; the exit code."""
    from bench.prompting.kinds import KINDS
    from bench.reporting.tables import run_tables
    from bench.reporting.tables.text import to_console
    from bench.store import run_folder

    for kind in run_folder.read_run(outcome.run)["config"]["prompts"]:
        print(f"\n{to_console(run_tables.table(outcome.run, kind))}")
        if KINDS[kind].rounds:
            print(f"\n{to_console(run_tables.click_curve(outcome.run, kind))}")
    print(f"\nRun folder: {outcome.run}")
    if outcome.failed or outcome.skipped:
        print(f"{outcome.failed} failed, {outcome.skipped} skipped; reasons in {outcome.run / 'failures.parquet'}")
    return SOME_FAILED if outcome.failed else OK
