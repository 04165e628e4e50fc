"""Files that are there whole or not at all, and how those are told that a killed writer left behind."""

import json
import os
import re
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench.errors import RunError

# Nobody else names a file like this: a user's half-downloaded "film.part" is never taken for one of ours.
PARTIAL = re.compile(r"\.segmote-bench-\d+-[0-9a-f]{16}\.part")


def partial_path(path: Path) -> Path:
    """A name beside `path` that no other writer uses, for content on its way there; short, however long `path` is."""
    return path.with_name(f".segmote-bench-{os.getpid()}-{secrets.token_hex(8)}.part")


def is_partial(path: Path) -> bool:
    """True for a regular file whose name `partial_path` gave."""
    return PARTIAL.fullmatch(path.name) is not None and path.is_file() and not path.is_symlink()


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file so that it is there whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = partial_path(path)
    try:
        partial.write_bytes(content)
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)


@contextmanager
def temporary_folder(folder: Path) -> Iterator[Path]:
    """A folder of ours that is empty when the block begins, and gone when it ends.

    What a killed process left there is deleted first.

    Raises:
        RunError: the folder is a link.
    """
    _remove(folder)
    folder.mkdir(parents=True, exist_ok=True)
    try:
        yield folder
    finally:
        _remove(folder)


def _remove(folder: Path) -> None:
    if folder.is_symlink():
        raise RunError(f"{folder} is a link: what it leads to is not deleted; remove the link")
    shutil.rmtree(folder, ignore_errors=True)


def write_json(path: Path, value: object) -> None:
    """Write JSON, sorted and indented; NaN is an error, undefined values are null."""
    text = json.dumps(value, indent=2, sort_keys=True, allow_nan=False, default=str)
    write_bytes(path, (text + "\n").encode())


def read_json(path: Path) -> Any:
    """Read a JSON file.

    Raises:
        RunError: the file is cut off, not JSON, or nested too deeply.
        OSError: it is not there, or must not be read.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        reason = "nested too deeply" if isinstance(error, RecursionError) else error
        raise RunError(f"{path} is damaged: not JSON ({reason})") from None
