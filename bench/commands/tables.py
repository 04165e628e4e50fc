"""`bench table`, `bench report` and `bench ls ledger`: the numbers of a run as text."""

from collections.abc import Sequence
from enum import Enum
from typing import Annotated

import typer

import adapters
from bench.commands.options import OK, Datasets, Models, Run, split
from bench.data.datasets import REGISTRY
from bench.errors import RunError
from bench.reporting import report
from bench.reporting.scored_run import read_scored_run
from bench.reporting.table_spec import table_spec
from bench.reporting.tables import ledger, run_tables
from bench.reporting.tables.formats import AGGREGATIONS, FORMATS, Table, TextTable, to_console
from bench.store.run_folder import read_run


class Style(str, Enum):
    """How a table is printed."""

    console = "console"
    csv = "csv"
    md = "md"
    tex = "tex"


Format = Annotated[Style, typer.Option("--format", help="As plain text, CSV, Markdown or LaTeX.")]


def report_command(folder: Run) -> int:
    """Write the tables, figures and page of a scored run again."""
    for table in report.report(folder):
        print(folder / "tables" / f"{table.name}.tex")
    print(folder / "tables" / "all.tex", folder / "figures", folder / "report.html", sep="\n")
    return OK


def table_command(
    folder: Run,
    prompt: Annotated[str | None, typer.Option(help="Prompt kind; default the run's first.")] = None,
    metric: Annotated[str, typer.Option(help="dice, iou, nsd@2mm, hd95, ... as in the records.")] = "dice",
    aggregation: Annotated[str | None, typer.Option(help=f"{', '.join(AGGREGATIONS)}.")] = None,
    prompt_round: Annotated[int | None, typer.Option("--round", help="Round of clicks; default the last.")] = None,
    style: Format = Style.console,
    summary: Annotated[bool, typer.Option("--summary", help="Only the averages.")] = False,
    intervals: Annotated[bool, typer.Option(help="Intervals below the values on the console.")] = True,
    comparison: Annotated[
        bool, typer.Option("--comparison", help="Ranks, groups and differences to a reference, instead.")
    ] = False,
    reference: Annotated[str | None, typer.Option(help="Of --comparison; default the best of each data set.")] = None,
    by_prompt: Annotated[bool, typer.Option("--by-prompt", help="Averages by prompt, instead.")] = False,
    ledger: Annotated[bool, typer.Option("--ledger", help="Who has seen which data, and licences, instead.")] = False,
) -> int:
    """Print a table of a run."""
    if reference and not comparison:
        raise RunError("--reference belongs to --comparison")
    if ledger:
        return _show(run_tables.ledger_tables(read_run(folder)), style)
    run = read_scored_run(folder)
    if by_prompt:
        return _show([run_tables.prompt_table(run)], style, intervals)
    spec = table_spec(run, prompt or run.prompts[0], aggregation, prompt_round, metric)
    if comparison:
        return _show([run_tables.comparison_table(run, spec, reference)], style)
    table = run_tables.scores_table(run, spec)
    return _show([table.summary() if summary else table], style, intervals)


def ls_ledger(models: Models = "all", datasets: Datasets = "all", style: Format = Style.console) -> int:
    """Which weights have seen which data set in training, with the source; licences of both."""
    names = list(adapters.REGISTRY) if models == "all" else split(models)
    sets = list(REGISTRY) if datasets == "all" else split(datasets)
    cards = [adapters.card(name) for name in names]
    terms = {card.name: (card.licence, card.trained_on) for card in cards}
    return _show(ledger.text_tables(ledger.table(terms, sets)), style)


def _show(made: Sequence[Table | TextTable], style: Style, intervals: bool = True) -> int:
    texts = [to_console(one, intervals) if style is Style.console else FORMATS[style.value](one) for one in made]
    print("\n\n".join(texts) if style is Style.console else "\n".join(texts))
    return OK
