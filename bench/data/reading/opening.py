"""The one place that opens files of a data set: regular files inside the data folder, of bounded size."""

import json
import os
import re
import stat
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from bench.data.case import DataError
from bench.data.printable import printable

MOST_BYTES = 4 * 2**30
MOST_JSON_BYTES = 256 * 2**20
MOST_TEXT_BYTES = 64 * 2**20
DEFLATE_RATIO = 1032  # no deflated byte holds more than this
HALF_CHARACTER = re.compile(r"\\u[dD][89a-fA-F]")


@dataclass(frozen=True, slots=True)
class _Access:
    folder: Path | None = None
    follow_links: bool = False


_ANY = _Access()
_access: ContextVar[_Access] = ContextVar("access", default=_ANY)


@contextmanager
def only_below(folder: Path | None, follow_links: bool = False) -> Iterator[None]:
    """Refuse files outside of a folder while the block runs.

    Args:
        folder: the data folder; None for no limit.
        follow_links: also open what links inside of the folder lead to, and enter folders that are links.
    """
    token = _access.set(_Access(folder.resolve() if folder else None, follow_links))
    try:
        yield
    finally:
        _access.reset(token)


def may_enter(folder: Path) -> bool:
    """Whether a search goes on below a folder: links to folders are entered only if links are followed."""
    return _access.get().follow_links or not folder.is_symlink()


def place(path: Path) -> str:
    """A file as messages name it: its folder and its name, safe to print."""
    return printable(f"{path.parent.name}/{path.name}")


def is_file(path: Path) -> bool:
    """Whether a path leads to a regular file; False also for a path that no file system takes."""
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def is_listed(path: Path) -> bool:
    """Whether there is anything at a path, be it a pipe or a link that leads nowhere; False also for impossible paths.

    What is there is read, so that what is no file is refused and not passed over.
    """
    return os.path.lexists(path)


def read_bytes(path: Path, most: int = MOST_BYTES) -> bytes:
    """The content of a file of a data set.

    Args:
        most: bytes that the file may have.

    Raises:
        DataError: not there, no regular file (a pipe, a device), outside of the data folder, too large.
    """
    with opened(path, most) as file:
        return file.read()


@contextmanager
def opened(path: Path, most: int = MOST_BYTES) -> Iterator[BinaryIO]:
    """A file of a data set, to be read in pieces while the block runs; what fails within it is told of the file, too.

    Args:
        most: bytes that the file may have.

    Raises:
        DataError: see `read_bytes`.
    """
    try:
        _require_inside(path)
        found = path.stat()
        if not stat.S_ISREG(found.st_mode):
            raise DataError(f"{place(path)}: not a regular file, but {_kind(found.st_mode)}")
        if found.st_size > most:
            raise DataError(f"{place(path)}: {found.st_size:,} bytes; at most {most:,} are read")
        with path.open("rb") as file:
            yield file
    except (OSError, ValueError, RuntimeError) as error:  # RuntimeError: links in a circle
        if isinstance(error, DataError):
            raise
        raise DataError(f"{place(path)}: cannot be read ({type(error).__name__}: {error})") from error


def _require_inside(path: Path) -> None:
    access = _access.get()
    if access.folder is None or access.follow_links:
        return
    target = path.resolve()
    if not target.is_relative_to(access.folder):
        raise DataError(
            f"{place(path)}: leads out of the data folder, to {printable(str(target))}; copy it there, "
            "or allow links with --follow-links"
        )


def _kind(mode: int) -> str:
    kinds = {stat.S_IFIFO: "a pipe", stat.S_IFCHR: "a device", stat.S_IFBLK: "a device", stat.S_IFSOCK: "a socket"}
    return kinds.get(stat.S_IFMT(mode), "a folder" if stat.S_ISDIR(mode) else "something else")


def read_text(path: Path) -> str:
    """A text file of a data set, in UTF-8; other bytes become replacement characters.

    Raises:
        DataError: see `read_bytes`.
    """
    return read_bytes(path, MOST_TEXT_BYTES).decode("utf-8-sig", errors="replace")


def read_json(path: Path) -> Any:
    """The content of a JSON file.

    Raises:
        DataError: see `read_bytes`; not JSON, nested too deeply, a name given twice, a number that is none, half a
            character.
    """
    raw = read_bytes(path, MOST_JSON_BYTES)
    try:
        text = raw.decode("utf-8-sig")
        content = json.loads(text, object_pairs_hook=_each_once, parse_constant=_no_number)
        if HALF_CHARACTER.search(text):
            json.dumps(content, ensure_ascii=False).encode()
        return content
    except RecursionError as error:
        raise DataError(f"{place(path)}: not valid JSON (nested too deeply)") from error
    except ValueError as error:
        raise DataError(f"{place(path)}: not valid JSON ({error})") from error


def _each_once(pairs: Sequence[tuple[str, Any]]) -> Mapping[str, Any]:
    content = dict(pairs)
    if len(content) < len(pairs):
        (twice, _), *_ = Counter(name for name, _ in pairs).most_common(1)
        raise ValueError(f"the name {twice!r} is given twice")
    return content


def _no_number(name: str) -> float:
    raise ValueError(f"{name} is no number of JSON")


def require_plausible(path: Path, needed: int, stored: int) -> None:
    """Refuse a header that asks for more bytes than its file can hold, before they are allocated.

    Args:
        needed: bytes that the header asks for.
        stored: bytes of the file, deflated or not.

    Raises:
        DataError: names both.
    """
    if needed > min(stored * DEFLATE_RATIO, MOST_BYTES):
        raise DataError(
            f"{place(path)}: cannot be read (its header asks for {needed:,} bytes, the file has {stored:,}; "
            f"at most {MOST_BYTES:,} are read)"
        )
