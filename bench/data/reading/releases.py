"""Which release of a data set lies in a folder, told from what only that release has, never guessed."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce

from bench.data.case import FoundRelease

UNKNOWN = "unknown release"


@dataclass(frozen=True, slots=True)
class ReleaseSigns:
    """What a release of a data set looks like.

    Attributes:
        name: for example "v2".
        subjects: how many it has.
        archive: what the names of its archive and folder hold, in lower case.
        classes: names of class files that it has and some other release does not have.
        splits: of its list of subjects, None where they are not known.
    """

    name: str
    subjects: int
    archive: str
    classes: frozenset[str]
    splits: frozenset[str] | None


@dataclass(frozen=True, slots=True)
class FolderSigns:
    """What a folder shows of its release.

    Attributes:
        name: of the folder.
        subjects: folders of subjects.
        listed: subjects in its list; 0 if there is none.
        classes: names of all class files.
        splits: in its list.
    """

    name: str
    subjects: int
    listed: int
    classes: frozenset[str]
    splits: frozenset[str]


def recognise(found: FolderSigns, releases: Sequence[ReleaseSigns]) -> FoundRelease:
    """The release of a folder.

    Each sign allows some of the releases. A release is named if it alone is allowed by all signs and one sign allows
    nothing else: its number of subjects, in the folder or in the list, its name, or a class file. Other signs only
    rule out: more subjects than a release has, and a split that it lacks. A part of a release can be recognised, too.
    """
    deciding = [sign for sign in _deciding(found, releases) if sign]
    ruling_out = [
        {one.name for one in releases if one.subjects >= max(found.subjects, found.listed)},
        {one.name for one in releases if one.splits is None or found.splits <= one.splits},
    ]
    left = reduce(set.intersection, [*deciding, *ruling_out])
    sure = len(left) == 1 and any(len(sign) == 1 for sign in deciding)
    return FoundRelease(left.pop() if sure else UNKNOWN, _seen(found, releases))


def _deciding(found: FolderSigns, releases: Sequence[ReleaseSigns]) -> list[set[str]]:
    """For each sign that can decide the releases that it allows; a sign that no release has is empty."""
    named = {one.name for one in releases if one.archive in found.name.lower()}
    counted = [{one.name for one in releases if one.subjects == count} for count in (found.subjects, found.listed)]
    telling = sorted(_telling(found.classes, releases))
    return [named, *counted, *({one.name for one in releases if name in one.classes} for name in telling)]


def _telling(classes: Iterable[str], releases: Sequence[ReleaseSigns]) -> set[str]:
    return set(classes) & set().union(*(one.classes for one in releases))


def _seen(found: FolderSigns, releases: Sequence[ReleaseSigns]) -> str:
    listed = f"{found.listed:,} in meta.csv" if found.listed else "no meta.csv"
    telling = ", ".join(sorted(_telling(found.classes, releases))) or "no class file that tells releases apart"
    return f"{found.subjects:,} subjects, {listed}, {telling}, folder {found.name!r}"


def together(found: Mapping[str, FoundRelease]) -> FoundRelease | None:
    """The release of a data set that lies in several folders: that of all, or all of them by folder.

    Args:
        found: folder to its release.
    """
    names = {one.name for one in found.values()}
    if len(found) < 2:
        return next(iter(found.values()), None)
    seen = "; ".join(f"{folder}: {one.seen}" for folder, one in sorted(found.items()))
    if len(names) == 1:
        return FoundRelease(names.pop(), seen)
    return FoundRelease(", ".join(f"{folder} {one.name}" for folder, one in sorted(found.items())), seen)
