"""`bench paper`: the printed numbers and claims of the SegMoTE paper, held against its own rows and against ours."""

from pathlib import Path
from typing import Annotated

import typer

from bench.commands.options import OK
from bench.commands.tables import Format, Style
from bench.comparing import claims
from bench.comparing.paper import ours
from bench.reporting.tables.formats import FORMATS


def paper_command(
    runs: Annotated[
        list[Path] | None,
        typer.Option("--run", help="A scored run of official weights on real data; may be given several times."),
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="Also print the values that cannot be tested here.")] = False,
    style: Format = Style.console,
) -> int:
    """Check the numbers and claims of the SegMoTE paper against its own rows, counted parameters, and runs."""
    found = ours(runs or [])
    verdicts = claims.audit(found.values)
    if style is Style.csv:
        print(claims.frame(verdicts).to_csv(index=False))
        return OK
    if style is not Style.console:
        print("\n".join(FORMATS[style.value](sheet) for sheet in claims.sheets(verdicts, every)))
        return OK
    for line in (*found.used, *found.refused):
        print(line)
    if found.used or found.refused:
        print()
    print(claims.render(verdicts, every))
    return OK
