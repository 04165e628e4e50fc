"""What a command prints at the end of a run: its headline tables, where they are, what failed."""

from typing import TYPE_CHECKING

from bench.commands.options import OK, SOME_FAILED

if TYPE_CHECKING:
    from bench.running.run import RunOutcome


def finish(outcome: "RunOutcome") -> int:
    """Print the headline tables of a run; the exit code."""
    from bench.reporting.tables.formats import to_console
    from bench.reporting.tables.table import Table
    from bench.store.run_folder import failures_path

    for table in outcome.tables:
        if isinstance(table, Table) and table.role in ("headline", "rounds"):
            print(f"\n{to_console(table)}")
    print(f"\nRun folder: {outcome.run}")
    if outcome.failed or outcome.skipped:
        print(f"{outcome.failed} failed, {outcome.skipped} skipped; reasons in {failures_path(outcome.run)}")
    return SOME_FAILED if outcome.failed else OK
