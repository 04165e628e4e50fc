"""`bench export`: the masks and scores of a run in the formats of other tools."""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import typer

from bench.commands.options import OK, SOME_FAILED, RunFolder

ExportFormat = Literal["nifti", "nnunet", "csv-challenger", "grand-challenge"]


@dataclass(frozen=True, kw_only=True)
class ExportOptions(RunFolder):
    """Options of `bench export`."""

    style: Annotated[
        ExportFormat,
        typer.Option(
            "--format",
            help="nifti (a file per class), nnunet (label maps), csv-challenger (long tables) or grand-challenge.",
        ),
    ] = "nifti"
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="An empty folder. Default: export/FORMAT in the run folder.")
    ] = None


def export_command(options: ExportOptions) -> int:
    """Write the masks of a run on the scans' own grids, or its scores, in the format of another tool."""
    from bench.reporting.export import export

    folder = options.out or options.folder / "export" / options.style
    made = export(options.folder, options.style, folder)
    print(f"{made.files} files in {folder}")
    if made.overlapping:
        print(f"{made.overlapping} voxels are claimed by several classes; the label maps hold the highest id")
    for one in made.left_out:
        print(f"bench: not exported: {one.model}, {one.prompt}, {one.case}: {one.reason}", file=sys.stderr)
    return SOME_FAILED if made.left_out else OK
