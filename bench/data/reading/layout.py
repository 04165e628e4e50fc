"""What all layouts share: looking for roots and files, names of cases and patients."""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from bench.data.case import DataError, Defect, Item
from bench.data.reading.nifti import place

DEPTH = 4
PREVIEWS = ("_snp.png", "_superpixels.png")
HIDDEN = (".", "__MACOSX")
SLICE = re.compile(r"[_-]+(?:slice|frame|z)?[_-]*\d+$", re.IGNORECASE)

Entry = Item | Defect


def children(folder: Path) -> list[Path]:
    """What lies in a folder, by name, without hidden files and preview pictures; nothing if it is unreadable."""
    try:
        paths = sorted(folder.iterdir())
    except OSError:
        return []
    return [path for path in paths if not path.name.startswith(HIDDEN) and not path.name.endswith(PREVIEWS)]


def files(folder: Path, endings: Sequence[str]) -> Iterator[Path]:
    """All files below a folder with one of the endings, case ignored."""
    for path in children(folder):
        if path.is_dir():
            yield from files(path, endings)
        elif path.name.lower().endswith(tuple(endings)):
            yield path


def roots(folder: Path, has_layout: Callable[[Path], bool], depth: int = DEPTH) -> list[Path]:
    """The topmost folders at or below `folder`, at most `depth` levels down, that have a layout."""
    if not folder.is_dir():
        return []
    if has_layout(folder):
        return [folder]
    if not depth:
        return []
    return [root for path in children(folder) for root in roots(path, has_layout, depth - 1)]


def stem(path: Path) -> str:
    """File name without its ending, `.nii.gz` being one."""
    return re.sub(r"\.nii$", "", path.stem, flags=re.IGNORECASE)


def patient_of(name: str) -> str:
    """The patient in the name of a slice: what stands before the last number, if that has a number too.

    `ABD_001_100` is slice 100 of `ABD_001`, but `ISIC_0000001` is a patient. Names of other kinds may be
    grouped too far (`set2_case_01`), which widens intervals and never narrows them.
    """
    before = SLICE.sub("", name)
    return before if any(letter.isdigit() for letter in before) else name


def read_json(path: Path) -> Any:
    """The content of a JSON file.

    Raises:
        DataError: unreadable, or not JSON.
    """
    try:
        return json.loads(path.read_text("utf-8-sig"))
    except (OSError, ValueError) as error:
        raise DataError(f"{place(path)}: not valid JSON ({error})") from error


def arranged(entries: Iterable[Entry]) -> list[Entry]:
    """Entries by case, items first."""
    return sorted(entries, key=lambda entry: (entry.case, isinstance(entry, Defect), str(entry)))


def indexed(root: Path, dataset: str, index: Callable[[Path], list[Entry]]) -> list[Entry]:
    """An index of one root; a list of cases that cannot be read at all is one defect."""
    try:
        return index(root)
    except DataError as error:
        return [Defect(dataset, root.name, root.name, error.kind, str(error))]
