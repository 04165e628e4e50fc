"""Which cases are distinct: by their ids, and by the files that they are made of."""

import os
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.data.case import Defect, Item
from bench.data.printable import printable
from bench.data.reading.layout import DEPTH, HIDDEN, children, search
from bench.data.reading.names import folded
from bench.data.reading.opening import place


def distinct(items: Sequence[Item]) -> tuple[list[Item], list[Defect]]:
    """The items that are cases of their own, and the others as defects.

    A case whose files another case has, too, is left out: links, hard ones as well, must not double patients. Cases
    whose ids differ in no more than capitals or composed letters are all refused.
    """
    copies = _copies(items)
    kept = [item for number, item in enumerate(items) if number not in copies]
    defects = [
        Defect(item.dataset, item.patient, item.case, "skipped", f"the same files as case {other.case}, through links")
        for item, other in copies.values()
    ]
    by_id: dict[str, list[Item]] = defaultdict(list)
    for item in kept:
        by_id[folded(item.case)].append(item)
    for item in (item for same in by_id.values() if len(same) > 1 for item in same):
        others = [place(first_file(one) or Path(one.case)) for one in by_id[folded(item.case)]]
        reason = f"cases whose ids cannot be told apart: {', '.join(others)}; rename all but one"
        defects.append(Defect(item.dataset, item.patient, item.case, "failed", reason))
    return [item for item in kept if len(by_id[folded(item.case)]) == 1], defects


def _copies(items: Sequence[Item]) -> dict[int, tuple[Item, Item]]:
    """Items whose files are those of another, by place in `items`, and that other."""
    by_image: dict[object, list[int]] = defaultdict(list)
    for number, item in enumerate(items):
        by_image[_file(path) if (path := first_file(item)) else number].append(number)
    copies: dict[int, tuple[Item, Item]] = {}
    for numbers in (numbers for numbers in by_image.values() if len(numbers) > 1):
        first: dict[object, Item] = {}
        for number in sorted(numbers, key=lambda number: (_through_links(items[number]), number)):
            files = frozenset(_file(path) for path in items[number].files.values())
            other = first.setdefault(files, items[number])
            if other is not items[number]:
                copies[number] = (items[number], other)
    return copies


def first_file(item: Item) -> Path | None:
    """The file that stands for a case in messages, None if it is made of none."""
    return next(iter(item.files.values()), None)


def _file(path: Path) -> object:
    """What is equal for all names of a file."""
    try:
        found = path.stat()
    except (OSError, ValueError):
        return path
    return found.st_dev, found.st_ino


def _through_links(item: Item) -> int:
    return sum(path.is_symlink() or any(above.is_symlink() for above in path.parents) for path in item.files.values())


@dataclass(frozen=True, slots=True)
class Walked:
    """What a walk through a folder met beside files.

    Attributes:
        closed: folders that cannot be listed, with the reason.
        links: links to folders; they were not entered.
    """

    closed: Sequence[tuple[Path, str]]
    links: Sequence[Path]


def walk(root: Path) -> Walked:
    """Everything below a folder, links to folders not entered."""
    errors: list[OSError] = []
    links: list[Path] = []
    for where, folders, _ in os.walk(root, onerror=errors.append):
        links += (path for name in folders if (path := Path(where, name)).is_symlink())
    closed = [(Path(error.filename), str(error.strerror or error)) for error in errors]
    return Walked(closed, links)


def links_beside(data: Path, roots: Sequence[Path]) -> list[Path]:
    """Links to folders among those that a search for data sets passes on its way to the roots."""
    passed = search(data, lambda folder: folder not in roots, DEPTH)
    return [
        path
        for folder in passed
        if folder not in roots
        for path in children(folder)
        if path.is_symlink() and path.is_dir()
    ]


def unused(links: Iterable[Path], items: Sequence[Item]) -> list[Path]:
    """The links that no file of an item was reached through."""
    used = {above for item in items for path in item.files.values() for above in path.parents}
    return [path for path in links if path not in used and not path.name.startswith(HIDDEN)]


def unentered(dataset: str, link: Path, data: Path) -> Defect:
    """The record of a link that was not entered."""
    name = printable(link.relative_to(data).as_posix())
    reason = (
        f"{name}: a link to the folder {printable(str(link.resolve()))}, not entered; what lies in the data folder is "
        "read in its own place, and --follow-links enters links"
    )
    return Defect(dataset, name, name, "skipped", reason)
