"""What all layouts share: looking for roots and files, names of cases and patients."""

import re
import unicodedata
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import TypeVar

from bench.data.case import DataError, Defect, Item
from bench.data.reading.opening import is_file, may_enter, place

DEPTH = 4
PREVIEWS = ("_snp.png", "_superpixels.png")
HIDDEN = (".", "__MACOSX")
SLICE = re.compile(r"[/_-]+(?:slice|frame|z)?[_-]*\d+$", re.IGNORECASE)
DRIVE = re.compile(r"^[A-Za-z]:")

Entry = Item | Defect
Key = TypeVar("Key")


def children(folder: Path) -> list[Path]:
    """What lies in a folder, by name, without hidden files and preview pictures; nothing if it is unreadable."""
    try:
        paths = sorted(folder.iterdir())
    except OSError:
        return []
    return [path for path in paths if not path.name.startswith(HIDDEN) and not path.name.lower().endswith(PREVIEWS)]


def files(folder: Path, endings: Sequence[str]) -> Iterator[Path]:
    """All files below a folder with one of the endings, case ignored, see `search`."""
    for path in search(folder, lambda place: True):
        yield from (one for one in children(path) if one.name.lower().endswith(tuple(endings)) and not one.is_dir())


def search(folder: Path, goes_on: Callable[[Path], bool], depth: int | None = None) -> Iterator[Path]:
    """A folder and those below it, by level.

    Links to folders are entered only if links are followed, after all other folders; whatever leads to a folder again
    is left out, so that links in a circle end.

    Args:
        goes_on: whether to look below a folder.
        depth: levels below `folder`, None for all.
    """
    waiting, links, seen = deque([(folder, 0)]), deque[tuple[Path, int]](), set[Path]()
    while waiting or links:
        path, level = (waiting or links).popleft()
        real = path.resolve()
        if real in seen:
            continue
        seen.add(real)
        yield path
        if level == depth or not goes_on(path):
            continue
        for child in children(path):
            if child.is_dir() and may_enter(child):
                (links if child.is_symlink() else waiting).append((child, level + 1))


def roots(folder: Path, has_layout: Callable[[Path], bool], depth: int = DEPTH) -> list[Path]:
    """The topmost folders at or below `folder`, at most `depth` levels down, that have a layout, see `search`."""
    if not folder.is_dir():
        return []
    found: dict[Path, bool] = {}
    for path in search(folder, lambda place: not found[place], depth):
        found[path] = has_layout(path)
    return sorted(path for path, layout in found.items() if layout)


def stem(path: Path) -> str:
    """File name without its ending, `.nii.gz` being one, composed (NFC), as file systems decompose letters."""
    return unicodedata.normalize("NFC", re.sub(r"\.nii$", "", path.stem, flags=re.IGNORECASE))


def case_of(image: Path, folder: Path) -> str:
    """The id of a picture: its path below the folder of the pictures, without its ending."""
    above = image.parent.relative_to(folder if image.parent.is_relative_to(folder) else folder.parent)
    return unicodedata.normalize("NFC", (above / stem(image)).as_posix())


def by_key(paths: Iterable[Path], key: Callable[[Path], Key]) -> Mapping[Key, list[Path]]:
    """Files by what they are named after."""
    grouped: dict[Key, list[Path]] = defaultdict(list)
    for path in paths:
        grouped[key(path)].append(path)
    return grouped


def only(paths: Sequence[Path], what: str) -> Path:
    """The one file there is.

    Raises:
        DataError: there are several; which is meant cannot be told.
    """
    if len(paths) > 1:
        names = ", ".join(place(path) for path in paths)
        raise DataError(f"more than one {what}: {names}; keep one of them")
    return paths[0]


def listed_file(root: Path, listed: str, drop_folders: bool = False) -> Path:
    """The file that a list of a data set names.

    Args:
        root: folder of the data set.
        listed: as the list has it; backslashes separate folders, too.
        drop_folders: the list starts at a folder of its makers: leading parts of the path are dropped until it leads
            to a file below `root`.

    Returns:
        A path below `root`, also if there is no such file.

    Raises:
        DataError: the path leads out of `root`, or to several files, or no file can have that name.
    """
    if "\0" in listed:
        raise DataError(f"{listed!r} is no name of a file")
    parts = PurePosixPath(DRIVE.sub("", listed.replace("\\", "/"))).parts
    absolute = bool(parts) and parts[0] in ("/", "//")
    if ".." in parts or not parts or (absolute and not drop_folders):
        raise DataError(f"{listed!r} leads out of the data set; lists name files below their own folder")
    parts = parts[1:] if absolute else parts
    starts = range(len(parts)) if drop_folders else range(1)
    tails = [path for start in starts for path in _spellings(root, parts[start:]) if is_file(path)]
    distinct = {path.resolve(): path for path in tails}
    if len(distinct) > 1:
        names = ", ".join(place(path) for path in distinct.values())
        raise DataError(f"{listed!r} in the list leads to more than one file: {names}; keep one of them")
    return tails[0] if tails else root.joinpath(*parts[-2:] if drop_folders else parts)


def _spellings(root: Path, parts: Sequence[str]) -> list[Path]:
    """A path as listed, and with composed or decomposed letters; if there is none, with its ending in other letters."""
    text = "/".join(parts)
    forms = [root / form for form in dict.fromkeys((text, *(unicodedata.normalize(f, text) for f in ("NFC", "NFD"))))]
    if any(map(is_file, forms)):
        return forms
    return forms + [form.with_suffix(to(form.suffix)) for form in forms for to in (str.lower, str.upper)]


def patient_of(name: str) -> str:
    """The patient in the name of a slice: what stands before the last number, if that has a number too.

    `ABD_001_100` is slice 100 of `ABD_001`, but `ISIC_0000001` is a patient. Names of other kinds may be
    grouped too far (`set2_case_01`), which widens intervals and never narrows them.
    """
    before = SLICE.sub("", name)
    return before if any(letter.isdigit() for letter in before) else name


def arranged(entries: Iterable[Entry]) -> list[Entry]:
    """Entries by case, items first."""
    return sorted(entries, key=lambda entry: (entry.case, isinstance(entry, Defect), str(entry)))
