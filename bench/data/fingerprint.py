"""Which release of a data set a run saw, and checksums by which two places can tell that they have the same cases."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.data.case import FoundRelease, Item
from bench.data.reading.opening import opened, place

BLOCK_BYTES = 2**20
IMAGE = "image"  # the role that is no label


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """A data set as a run found it.

    Attributes:
        release: its name, "unknown release", or "" for a data set whose releases are not told apart.
        seen: what the release was told from.
        cases_sha256: of the ids of the run's cases.
        files_sha256: of the names and sizes of their files.
        labels_sha256: of the contents of their label files, as they lie on disk.
    """

    release: str
    seen: str
    cases_sha256: str
    files_sha256: str
    labels_sha256: str

    @property
    def text(self) -> str:
        """The release as captions name it; what was seen stands beside one that is not known."""
        return self.release if "unknown" not in self.release else f"{self.release} ({self.seen})"

    def same_release(self, other: "Fingerprint") -> bool:
        """Whether scores on both can be compared: both are one known release, or have the very same labels."""
        return self.text == other.text or self.labels_sha256 == other.labels_sha256


def fingerprints(
    items: Iterable[Item], releases: Mapping[str, FoundRelease], labels: Mapping[tuple[str, str], str]
) -> dict[str, Fingerprint]:
    """The fingerprint of each data set; no file is read here.

    Args:
        items: cases of the run, those with defects among them.
        releases: data set to its release, where releases are told apart.
        labels: (data set, case) to what `labels_sha256` gave; cases that cannot be read are missing.
    """
    by_set: dict[str, list[Item]] = {}
    for item in items:
        by_set.setdefault(item.dataset, []).append(item)
    found = {}
    for name, cases in by_set.items():
        cases.sort(key=lambda item: item.case)
        release = releases.get(name, FoundRelease("", ""))
        found[name] = Fingerprint(
            release=release.name,
            seen=release.seen,
            cases_sha256=_sha256(item.case for item in cases),
            files_sha256=_sha256(line for item in cases for line in _files(item)),
            labels_sha256=_sha256(f"{item.case} {labels.get((name, item.case), 'not read')}" for item in cases),
        )
    return found


def labels_sha256(item: Item) -> str:
    """A checksum of the label files of a case, read once and as they are; to be called where the case may be read.

    Raises:
        DataError: a file cannot be read, see `opening.opened`.
    """
    paths = {path: role for role, path in item.files.items() if role != IMAGE}
    return _sha256(f"{role} {path.name} {_content(path)}" for path, role in paths.items())


def _content(path: Path) -> str:
    digest = hashlib.sha256()
    with opened(path) as file:
        while block := file.read(BLOCK_BYTES):
            digest.update(block)
    return digest.hexdigest()


def _files(item: Item) -> Sequence[str]:
    return [f"{item.case} {role} {place(path)} {_size(path)}" for role, path in sorted(item.files.items())]


def _size(path: Path) -> str:
    try:
        return str(path.stat().st_size)
    except (OSError, ValueError):
        return "no size"


def _sha256(lines: Iterable[str]) -> str:
    digest = hashlib.sha256()
    for line in lines:
        digest.update(f"{line}\n".encode(errors="surrogateescape"))
    return digest.hexdigest()
