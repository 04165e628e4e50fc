"""`bench download`: bring weights here."""

import sys
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from bench.commands.options import OK, SOME_FAILED, WeightsFolder
from bench.commands.weights import downloads

if TYPE_CHECKING:
    from tqdm import tqdm


@dataclass(frozen=True, kw_only=True)
class DownloadOptions(WeightsFolder):
    """Options of `bench download`."""

    names: Annotated[
        list[str],
        typer.Argument(
            metavar="MODEL",
            help="Models (sam/vit_b, sam2, ...), or all for every file that can be fetched automatically.",
        ),
    ]


def download_command(options: DownloadOptions) -> int:
    """Download weights, resuming if need be, and verify their checksums. Some must be downloaded by hand."""
    from tqdm import tqdm

    from adapters.weights import catalogue
    from adapters.weights.download import DownloadError

    code = OK
    for entry in downloads(options.names):
        try:
            with tqdm(desc=entry.name, unit="B", unit_scale=True, unit_divisor=1024, delay=0.2) as bar:
                path = catalogue.download(entry, catalogue.weights_dir(options.weights), partial(_show, bar))
            print(path)
        except DownloadError as error:
            print(f"bench: {error}", file=sys.stderr)
            code = SOME_FAILED
    return code


def _show(bar: "tqdm[NoReturn]", present: int, total: int | None) -> None:
    bar.total = total
    bar.update(present - bar.n)
