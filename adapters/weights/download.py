"""Downloading one large file over HTTP: resumed after an interruption, verified, then moved into place atomically.

Plain `requests`, because pooch's HTTP downloader starts over and sends no Range header, so it cannot resume.
"""

import errno
import hashlib
import os
import time
from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias
from urllib.parse import urlsplit

import xxhash

if TYPE_CHECKING:
    import requests

Progress: TypeAlias = Callable[[int, int | None], None]

ATTEMPTS = 5
PAUSE_SECONDS = 1.0
TIMEOUT_SECONDS = 30
BLOCK_BYTES = 1 << 20
UNREACHABLE_STATUS = 400
RETRIED_STATUS = 500
LOOPBACK = ("127.0.0.1", "::1", "localhost")


class DownloadError(RuntimeError):
    """A download failed; the text says what was kept and what to do."""


class _CutError(Exception):
    """The connection ended early; another attempt may continue."""


def fetch(
    url: str, target: Path, sha256: str | None, progress: Progress | None = None, xxh128: str | None = None
) -> Path:
    """Download `url` to `target`, continuing where an earlier attempt stopped.

    Args:
        url: HTTPS address; plain HTTP on this machine alone.
        target: path of the finished file; what has arrived so far is kept beside it, see `partial_path`.
        sha256: expected checksum in hexadecimal, None if unknown.
        progress: called with the number of bytes present and the total (None if the server does not say).
        xxh128: expected checksum of that kind, where the authors publish it.

    Raises:
        DownloadError: not over https, or led away from it; refused by the server, interrupted too often, disk full or
            wrong checksum. The partial file is kept for the next run, except after a wrong checksum.
    """
    part = partial_path(target)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        _fetch_all(url, part, progress)
        _verify(url, part, "sha256", sha256, file_sha256)
        _verify(url, part, "xxh128", xxh128, file_xxh128)
        os.replace(part, target)
    except OSError as error:
        raise DownloadError(_disk_text(error, part)) from error
    return target


def partial_path(target: Path) -> Path:
    """What has arrived of a file so far; by a name that no other program gives a file of its own."""
    return target.with_name(f".segmote-bench-{target.name}.part")


def file_sha256(path: Path) -> str:
    """The checksum of a file in hexadecimal."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(BLOCK_BYTES):
            digest.update(block)
    return digest.hexdigest()


def file_xxh128(path: Path) -> str:
    """The XXH3 checksum of 128 bits of a file in hexadecimal; it finds damage, not forgery."""
    digest = xxhash.xxh128()
    with path.open("rb") as file:
        while block := file.read(BLOCK_BYTES):
            digest.update(block)
    return digest.hexdigest()


def _fetch_all(url: str, part: Path, progress: Progress | None) -> None:
    reason: Exception | None = None
    for attempt in range(ATTEMPTS):
        if attempt:
            time.sleep(PAUSE_SECONDS * attempt)
        try:
            return _fetch_rest(url, part, progress)
        except _CutError as error:
            reason = error
    kept = part.stat().st_size if part.exists() else 0
    raise DownloadError(
        f"{url}: gave up after {ATTEMPTS} attempts ({reason}). {kept} bytes are kept in {part}; "
        "run the same command again to resume"
    )


def _fetch_rest(url: str, part: Path, progress: Progress | None) -> None:
    import requests  # noqa: PLC0415 - whoever only looks a file up needs none of it

    present = part.stat().st_size if part.exists() else 0
    # Without "identity" a server may compress, and byte positions would not be those of the file.
    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={present}-"} if present else {})
    _require_secure(url)
    try:
        with requests.get(url, headers=headers, stream=True, timeout=TIMEOUT_SECONDS) as response:
            for passed in (*response.history, response):
                _require_secure(passed.url)
            if response.status_code == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
                return _settle_full(response, part, present)
            _check_status(url, response)
            _append(response, part, present, progress)
    except requests.RequestException as error:
        raise _CutError(str(error)) from error


def _require_secure(url: str) -> None:
    parts = urlsplit(url)
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in LOOPBACK):
        raise DownloadError(f"{url}: files are fetched over https only")


def _settle_full(response: "requests.Response", part: Path, present: int) -> None:
    """Nothing is left to send: either the part is the whole file, or it belongs to another file."""
    if response.headers.get("Content-Range") != f"bytes */{present}":
        part.unlink()
        raise _CutError(f"the {present} bytes present do not belong to this file")


def _check_status(url: str, response: "requests.Response") -> None:
    if response.status_code >= RETRIED_STATUS:
        raise _CutError(f"server answered {response.status_code} {response.reason}")
    if response.status_code >= UNREACHABLE_STATUS:
        raise DownloadError(f"{url}: server answered {response.status_code} {response.reason}")


def _append(response: "requests.Response", part: Path, present: int, progress: Progress | None) -> None:
    resumed = response.headers.get("Content-Range", "").startswith(f"bytes {present}-")
    resumed = resumed and response.status_code == HTTPStatus.PARTIAL_CONTENT
    done = present if resumed else 0
    length = response.headers.get("Content-Length")
    total = done + int(length) if length else None
    with part.open("ab" if resumed else "wb") as file:
        for block in response.iter_content(BLOCK_BYTES):
            file.write(block)
            done += len(block)
            if progress:
                progress(done, total)
    if total is not None and done != total:
        raise _CutError(f"{done} of {total} bytes arrived")


def _verify(url: str, part: Path, kind: str, expected: str | None, digest: Callable[[Path], str]) -> None:
    if expected is not None and (found := digest(part)) != expected:
        part.unlink()
        raise DownloadError(
            f"{url}: {kind} is {found}, expected {expected}; the file was discarded; run the same command again"
        )


def _disk_text(error: OSError, part: Path) -> str:
    if error.errno == errno.ENOSPC:
        return (
            f"disk full while writing {part}; free some space or choose another folder, "
            "then run the same command again to resume"
        )
    return f"cannot write {part}: {error}"
