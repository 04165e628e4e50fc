"""`bench table`: the numbers of a run as text."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from bench.commands.options import OK, Aggregation, Format, RunFolder, TableFormat, aggregation_option
from bench.errors import RunError

if TYPE_CHECKING:
    from bench.reporting.tables.table import Table
    from bench.reporting.tables.text_table import TextTable

Show = Literal["scores", "averages", "comparison", "prompts", "ledger"]
_CHOSEN = ("prompt", "metric", "aggregation", "prompt_round")
# The options that each kind of table follows; it refuses the others.
FOLLOWS: dict[Show, tuple[str, ...]] = {
    "scores": (*_CHOSEN, "intervals"),
    "averages": (*_CHOSEN, "intervals"),
    "comparison": (*_CHOSEN, "reference"),
    "prompts": ("intervals",),
    "ledger": (),
}


@dataclass(frozen=True, kw_only=True)
class TableOptions(RunFolder, TableFormat):
    """Options of `bench table`."""

    show: Annotated[
        Show,
        typer.Option(
            metavar="WHAT",
            help="scores: every class. averages: every data set. comparison: ranks, groups, and differences to a "
            "reference. prompts: averages by prompt. ledger: who has seen which data, and the licences.",
        ),
    ] = "scores"
    prompt: Annotated[str | None, typer.Option(help="Prompt kind. Default: the run's first.")] = None
    metric: Annotated[str, typer.Option(help="Metric, by its name in the records: dice, iou, nsd@2mm, hd95, ...")] = (
        "dice"
    )
    aggregation: Annotated[Aggregation | None, aggregation_option("the protocol's own")] = None
    prompt_round: Annotated[int | None, typer.Option("--round", help="Round of clicks. Default: the last.")] = None
    reference: Annotated[
        str | None, typer.Option(help="Model to compare with. Default: the best of each data set.")
    ] = None
    intervals: Annotated[bool, typer.Option(help="On the console, print intervals below the values.")] = True


def table_command(options: TableOptions) -> int:
    """Print a table of a scored run."""
    _require_followed(options)
    print_tables(_tables(options), options.style, options.intervals)
    return OK


def _require_followed(options: TableOptions) -> None:
    """Refuse options that the kind of table would ignore."""
    defaults = {field.name: field.default for field in fields(options)}
    for name in (*_CHOSEN, "reference", "intervals"):
        if name not in FOLLOWS[options.show] and getattr(options, name) != defaults[name]:
            flag = f"--{name.removeprefix('prompt_')}" if name != "intervals" else "--no-intervals"
            kinds = ", ".join(show for show, followed in FOLLOWS.items() if name in followed)
            raise RunError(f"{flag} has no meaning for --show {options.show}; it belongs to --show {kinds}")


def _tables(options: TableOptions) -> Sequence["Table | TextTable"]:
    from bench.reporting.scored_run import read_scored_run
    from bench.reporting.table_spec import table_spec
    from bench.reporting.tables import run_tables
    from bench.store.run_folder import read_run

    if options.show == "ledger":
        return run_tables.ledger_tables(read_run(options.folder))
    run = read_scored_run(options.folder)
    if options.show == "prompts":
        return [run_tables.prompt_table(run)]
    prompt = options.prompt or run.prompts[0]
    spec = table_spec(run, prompt, options.aggregation, options.prompt_round, options.metric)
    if options.show == "comparison":
        return [run_tables.comparison_table(run, spec, options.reference)]
    table = run_tables.scores_table(run, spec)
    return [table.summary() if options.show == "averages" else table]


def print_tables(tables: Sequence["Table | TextTable"], style: Format, intervals: bool = True) -> None:
    """Print tables in a format; intervals stand below the values on the console, and always in the other formats."""
    from bench.reporting.tables.formats import FORMATS, to_console

    if style == "console":
        print("\n\n".join(to_console(table, intervals) for table in tables))
    else:
        print("\n".join(FORMATS[style](table) for table in tables))
