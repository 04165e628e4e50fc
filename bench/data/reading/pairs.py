"""Layouts of one image and one label file per case, which are told by what their paths look like."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from bench.data.case import Case, DataError, Dataset, Defect, Item
from bench.data.reading import nifti
from bench.data.reading.assemble import labelled_case
from bench.data.reading.layout import Entry, arranged, children, only, roots, stem
from bench.data.reading.names import folded
from bench.data.reading.opening import may_enter, place

SPLITS = {
    "train": ("tr", "training"),
    "val": ("va", "val", "validation"),
    "test": ("ts", "test", "test_v2", "testing"),
}


@dataclass(frozen=True, slots=True)
class PairLayout:
    """What the files of a data set are called.

    Paths are regular expressions, one per folder level, separated by "/"; capitals do not matter, and the last level is
    compared without the ending of the file. Both name the `case` as a group; the groups `patient` (the case, if there
    is none) and `part` (see `SPLITS`) are optional.

    Attributes:
        images, labels: paths below the root, in each place that a release or a copy has them in.
        passed_over: files beside them that are known to be neither, without their endings.
        endings: of images and labels.
        case: the name of a case around what the group matches, for sets that number their cases only.
        wanted: which cases belong to the data set, where two share a layout.
    """

    images: Sequence[str]
    labels: Sequence[str]
    passed_over: str = ""
    endings: Sequence[str] = nifti.ENDINGS
    case: str = "{}"
    wanted: Callable[[str], bool] = bool


@dataclass(slots=True)
class _Pair:
    """The files of one case, and what their paths say."""

    case: str
    said: Mapping[str, str | None]
    images: list[Path] = field(default_factory=list)
    labels: list[Path] = field(default_factory=list)


def has_layout(folder: Path, layout: PairLayout) -> bool:
    """An image or a label of the layout below a folder."""
    paths = (found for pattern in (*layout.images, *layout.labels) for found in _below(folder, pattern, layout.endings))
    return any(said is not None and layout.wanted(said["case"] or "") for _, said in paths)


def index(root: Path, dataset: str, modality: str, layout: PairLayout) -> list[Entry]:
    """Cases by the names of their files; what lies beside them under another name is a defect."""
    pairs: dict[str, _Pair] = {}
    met: dict[Path, bool] = {}  # files, and whether they are named as the layout says
    for role, patterns in (("images", layout.images), ("labels", layout.labels)):
        for path, said in (found for pattern in patterns for found in _below(root, pattern, layout.endings)):
            met[path] = met.get(path, False) or said is not None
            if said is not None and layout.wanted(said["case"] or ""):
                case = layout.case.format(said["case"])
                getattr(pairs.setdefault(folded(case), _Pair(case, said)), role).append(path)
    known = re.compile(layout.passed_over, re.IGNORECASE)
    strays = [path for path, named in met.items() if not named and not known.fullmatch(stem(path))]
    entries = [
        paired(dataset, pair.said.get("patient") or pair.case, pair.case, modality, pair.images, pair.labels,
               {"split": _split(pair.said.get("part"))})
        for pair in pairs.values()
    ]  # fmt: skip
    return arranged([*entries, *(_stray(dataset, path) for path in strays)])


def _split(part: str | None) -> str:
    return next((split for split, parts in SPLITS.items() if (part or "").lower() in parts), "")


def _stray(dataset: str, path: Path) -> Defect:
    reason = f"{place(path)}: not named as the images and labels of {dataset} are"
    return Defect(dataset, stem(path), stem(path), "skipped", reason)


def _below(
    folder: Path, pattern: str, endings: Sequence[str]
) -> Iterator[tuple[Path, Mapping[str, str | None] | None]]:
    """Files in the folders of a pattern: with its groups, or with None where their names do not fit."""
    level, _, rest = pattern.partition("/")
    for path in children(folder):
        if not rest and path.name.lower().endswith(tuple(endings)) and not path.is_dir():
            found = re.fullmatch(level, stem(path), re.IGNORECASE)
            yield path, found.groupdict() if found else None
        elif rest and (found := re.fullmatch(level, path.name, re.IGNORECASE)) and path.is_dir() and may_enter(path):
            for file, said in _below(path, rest, endings):
                yield file, said if said is None else {**found.groupdict(), **said}


def paired(
    dataset: str,
    patient: str,
    case: str,
    modality: str,
    images: Sequence[Path],
    labels: Sequence[Path],
    details: Mapping[str, Any],
) -> Entry:
    """One image and one label as an item, anything else as a defect."""
    if not labels:
        return Defect(dataset, patient, case, "skipped", f"{place(images[0])}: image without mask")
    if not images:
        return Defect(dataset, patient, case, "skipped", f"{place(labels[0])}: mask without image")
    try:
        files = {"image": only(images, f"image of {case}"), "mask": only(labels, f"mask of {case}")}
    except DataError as error:
        return Defect(dataset, patient, case, "failed", str(error))
    return Item(dataset, patient, case, modality, files, details)


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a data set comes from: as in `Dataset`."""

    licence: str
    source: str
    citation: str


def pair_dataset(
    name: str,
    title: str,
    modality: str,
    shown: str,
    layout: PairLayout,
    table: Mapping[str, tuple[int, ...]],
    origin: Origin,
    read: Callable[[Item], Case] | None = None,
    rows: Mapping[str, tuple[str, ...]] | None = None,
    tubes: tuple[str, ...] = (),
    lesions: tuple[str, ...] = (),
) -> Dataset:
    """A data set of pairs.

    Args:
        modality: of every case, as in `Item`.
        shown: the layout for messages.
        table: class name to its ids in the label maps; empty where `read` needs none.
        read: the voxels of an item, by default `labelled_case` with the table.
        rows, tubes, lesions: as in `Dataset`.
    """
    return Dataset(
        name=name,
        title=title,
        modality=modality if modality in ("CT", "MR") else "any",
        rows=rows or {},
        licence=origin.licence,
        source=origin.source,
        citation=origin.citation,
        layout=shown,
        find=partial(roots, has_layout=partial(has_layout, layout=layout)),
        index=partial(index, dataset=name, modality=modality, layout=layout),
        read=read or partial(labelled_case, table=table),
        lesions=lesions,
        tubes=tubes,
        labels=table,
    )
