"""Where weights files are, whether they are the ones they should be, and how they get there."""

import os
from enum import Enum
from pathlib import Path

import pooch

from adapters.interface import MissingWeights
from adapters.weights.download import DownloadError, Progress, fetch, file_sha256, file_xxh128
from adapters.weights.entries import ENTRIES, Entry

MINI_FOLDER = Path(__file__).parents[1] / "mini"
ENDINGS = (".pth", ".pt", ".safetensors")  # of weights files, the authors' and ours
CATALOGUE = {entry.name: entry for entry in ENTRIES}


class Status(Enum):
    """State of a catalogued file in a folder."""

    PRESENT = "present"
    MISSING = "missing"
    DIFFERS = "checksum differs"
    UNVERIFIED = "present (no checksum known)"
    CONVERTED = "present (converted)"


def weights_dir(directory: Path | None = None) -> Path:
    """The weights folder: the one given, else BENCH_WEIGHTS, else in the platform's cache."""
    given = directory or os.environ.get("BENCH_WEIGHTS")
    return Path(given) if given else Path(pooch.os_cache("segmote-bench")) / "weights"


def find(entry: Entry, directory: Path) -> Path | None:
    """The file of `entry` in `directory`, None if missing; a version converted by `bench convert` takes precedence."""
    official = directory / entry.file
    return next((path for path in (official.with_suffix(".safetensors"), official) if path.is_file()), None)


def status(entry: Entry, directory: Path) -> Status:
    """State of `entry` in `directory`; reads the whole file if a checksum is known."""
    path = find(entry, directory)
    if path is None:
        return Status.MISSING
    if path != directory / entry.file:
        return Status.CONVERTED
    if entry.bytes is not None and path.stat().st_size != entry.bytes:
        return Status.DIFFERS
    if entry.sha256 is None and entry.xxh128 is None:
        return Status.UNVERIFIED
    same = file_sha256(path) == entry.sha256 if entry.sha256 else file_xxh128(path) == entry.xxh128
    return Status.PRESENT if same else Status.DIFFERS


def download(entry: Entry, directory: Path, progress: Progress | None = None) -> Path:
    """Download a catalogued file, resuming an earlier attempt; a complete and correct file is left alone.

    Args:
        entry: which file.
        directory: the weights folder, made if needed.
        progress: called with the number of bytes present and the total.

    Raises:
        DownloadError: it must be downloaded by hand, or the download failed; the text says what to do.
    """
    target = directory / entry.file
    if status(entry, directory) in (Status.PRESENT, Status.UNVERIFIED, Status.CONVERTED):
        return find(entry, directory) or target
    if entry.url is None:
        raise DownloadError(f"{entry.name} must be downloaded by hand from {entry.page}; save {entry.file} as {target}")
    return fetch(entry.url, target, entry.sha256, progress, entry.xxh128)


def locate(name: str, weights: Path | None = None) -> Path:
    """The weights file of a model.

    Args:
        name: "family/variant", or the path of a file that comes with another package.
        weights: a file (recognised by its suffix), a folder that holds the catalogue's file, or None for the weights
            folder. The mini models' files come with the package, so a folder does not apply to them.

    Raises:
        MissingWeights: the file is missing; the text gives path, address, sha256 and the command that downloads it.
    """
    if weights is not None and not weights.is_dir() and (weights.is_file() or weights.suffix in ENDINGS):
        path = weights
    elif name.endswith("/mini"):
        path = MINI_FOLDER / f"{name.partition('/')[0]}.safetensors"
    elif name not in CATALOGUE:
        path = Path(name)
    else:
        folder, entry = weights_dir(weights), CATALOGUE[name]
        path = find(entry, folder) or folder / entry.file
    if not path.is_file():
        raise MissingWeights(_missing_text(name, path))
    return path


def _missing_text(name: str, path: Path) -> str:
    entry = CATALOGUE.get(name)
    if entry is None and not name.endswith("/mini"):
        return f"no weights at {path}; install the package that brings them again"
    if entry is None:
        return f"{name}: no weights at {path}; `bench demo build` trains the mini world's"
    how = f"with `bench download {name}` from {entry.url}" if entry.url else f"by hand from {entry.page}"
    checksum = f"xxh128 {entry.xxh128}" if entry.xxh128 else f"sha256 {entry.sha256 or 'not known'}"
    return f"{name}: no weights at {path}; get {entry.file} {how} ({checksum})"
