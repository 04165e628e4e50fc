"""`bench paper`: the printed numbers and claims of the SegMoTE paper, held against its own rows and against ours."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from bench.commands.options import OK, TableFormat


@dataclass(frozen=True, kw_only=True)
class PaperOptions(TableFormat):
    """Options of `bench paper`."""

    runs: Annotated[
        list[Path] | None,
        typer.Option(
            "--run", metavar="RUN", help="A scored run of official weights on real data; can be given several times."
        ),
    ] = None
    every: Annotated[bool, typer.Option("--all", help="Also print the values that cannot be tested here.")] = False


def paper_command(options: PaperOptions) -> int:
    """Check the numbers and claims of the SegMoTE paper against its own rows, counted parameters, and runs."""
    from bench.comparing import claims, paper
    from bench.reporting.tables.formats import FORMATS
    from bench.reporting.tables.safe_text import csv_text

    found = paper.ours(options.runs or [])
    verdicts = claims.audit(found.values)
    if options.style == "csv":
        print(csv_text(claims.frame(verdicts)))
    elif options.style == "console":
        sentences = "".join(f"{sentence}\n" for sentence in (*found.used, *found.refused))
        print(*filter(None, (sentences, claims.render(verdicts, options.every))), sep="\n")
    else:
        print("\n".join(FORMATS[options.style](table) for table in claims.text_tables(verdicts, options.every)))
    return OK
