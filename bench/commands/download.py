"""`bench download`: bring weights and open data sets here."""

import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from bench.commands.options import OK, SOME_FAILED, DataFolder, WeightsFolder
from bench.commands.weights import downloads
from bench.errors import RunError

if TYPE_CHECKING:
    from tqdm import tqdm


@dataclass(frozen=True, kw_only=True)
class DownloadOptions(DataFolder, WeightsFolder):
    """Options of `bench download`."""

    names: Annotated[
        list[str],
        typer.Argument(
            metavar="MODEL",
            help="Models (sam/vit_b, sam2, ...), or all for every file that can be fetched automatically; or the word "
            "data and data sets (data segthor isles2022), which come into the folder that --data names.",
        ),
    ]


def download_command(options: DownloadOptions) -> int:
    """Download weights or open data sets, resuming if need be, and verify their checksums.

    Some must be downloaded by hand.
    """
    from tqdm import tqdm

    from adapters.weights.download import DownloadError

    first, *rest = options.names
    wanted = _data(rest, options.data) if first == "data" else _weights(options.names, options.weights)
    code = OK
    for name, fetch in wanted:
        try:
            with tqdm(desc=name, unit="B", unit_scale=True, unit_divisor=1024, delay=0.2) as bar:
                path = fetch(partial(_show, bar))
            print(path)
        except DownloadError as error:
            print(f"bench: {error}", file=sys.stderr)
            code = SOME_FAILED
    return code


Fetch = Callable[[Any], Path]  # takes what shows the progress


def _weights(names: Sequence[str], folder: Path | None) -> Iterator[tuple[str, Fetch]]:
    from adapters.weights import catalogue

    for entry in downloads(names):
        yield entry.name, partial(catalogue.download, entry, catalogue.weights_dir(folder))


def _data(names: Sequence[str], folder: Path | None) -> Iterator[tuple[str, Fetch]]:
    """The open data sets of these names, whose terms are printed before they are fetched."""
    from bench.data.download import ARCHIVES, download

    if folder is None or not names or not set(names) <= set(ARCHIVES):
        raise RunError(
            "bench download data NAME... --data DIR fetches open data sets; these can be fetched: "
            + ", ".join(ARCHIVES)
        )
    for name in names:
        archive = ARCHIVES[name]
        print(f"{name}, {archive.release}: {archive.terms}")
        yield name, partial(download, archive, folder)


def _show(bar: "tqdm[NoReturn]", present: int, total: int | None) -> None:
    bar.total = total
    bar.update(present - bar.n)
