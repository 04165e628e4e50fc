"""`bench verify`: a guard against regressions of Dice."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from bench.commands.options import OK, SOME_FAILED, RunFolder


@dataclass(frozen=True, kw_only=True)
class VerifyOptions(RunFolder):
    """Options of `bench verify`."""

    against: Annotated[Path, typer.Option(metavar="FILE", help="Reference file, as --write makes it.")]
    tolerance: Annotated[
        float | None, typer.Option(help="How far a Dice in [0, 1] may move. Default: the reference's own.")
    ] = None
    write: Annotated[bool, typer.Option("--write", help="Write the reference from this run.")] = False


def verify_command(options: VerifyOptions) -> int:
    """Compare the Dice of a run with a reference; exits with 1 and names the rows that moved."""
    from bench.comparing import reference
    from bench.store.files import read_json

    if options.write:
        reference.write_reference(options.folder, options.against)
        print(f"wrote {options.against}")
        return OK
    moved = reference.verify(options.folder, options.against, options.tolerance)
    stored = read_json(options.against)
    allowed = stored["tolerance"] if options.tolerance is None else options.tolerance
    compared = sum(len(rows) for rows in stored["dice"].values())
    print(*moved, f"{len(moved)} of {compared} rows moved by more than {allowed:g} Dice", sep="\n")
    return SOME_FAILED if moved else OK
