"""DICOM: series with segmentations (SEG) or structure sets (RTSTRUCT)."""

import hashlib
import os
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from bench.data.case import Case, DataError, Dataset, Defect, Item
from bench.data.reading.assemble import volume_case
from bench.data.reading.dicom import kind_of, read_dataset, read_header, read_series
from bench.data.reading.dicom_masks import read_masks, referenced_series
from bench.data.reading.layout import Entry, arranged, children, roots, search
from bench.data.reading.names import modality_of
from bench.data.reading.opening import place

if TYPE_CHECKING:
    from pydicom import Dataset as Header

NAME = "dicom"
ANNOTATIONS = frozenset({"SEG", "RTSTRUCT"})


def has_layout(folder: Path) -> bool:
    """A study: images and annotations in a folder, or in the folders below it, none of which is a study by itself."""
    own = _kinds(folder)
    below = [] if _is_whole(own) else [_kinds(path) for path in children(folder) if path.is_dir()]
    return _is_whole(own.union(*below)) and bool(own or not any(map(_is_whole, below)))


def _kinds(folder: Path) -> frozenset[str]:
    """Kinds of files in a folder; it looks no further than it must."""
    found: set[str] = set()
    for path in children(folder):
        found |= {kind_of(path)} - {""}
        if _is_whole(found):
            break
    return frozenset(found)


def _is_whole(kinds: frozenset[str] | set[str]) -> bool:
    return "image" in kinds and not ANNOTATIONS.isdisjoint(kinds)


def find(folder: Path) -> list[Path]:
    """The folder that holds all studies below a folder, so that a patient of several studies is one patient."""
    studies = roots(folder, has_layout)
    return [Path(os.path.commonpath(studies))] if studies else []


def index(root: Path) -> list[Entry]:
    """One case per annotation of each study."""
    return arranged(entry for study in roots(root, has_layout) for entry in _study(root, study))


def _study(root: Path, study: Path) -> list[Entry]:
    """Annotations with the series that they name, or the only one of their frame of reference; series without any."""
    series: dict[str, list[Path]] = defaultdict(list)
    first: dict[str, Header] = {}
    annotations: list[Path] = []
    entries: list[Entry] = []
    for path in (path for folder in search(study, lambda place: True) for path in children(folder)):
        kind = kind_of(path)
        if kind in ANNOTATIONS:
            annotations.append(path)
        elif kind:
            try:
                header = read_header(path)
                series[str(header.get("SeriesInstanceUID"))].append(path)
                first.setdefault(str(header.get("SeriesInstanceUID")), header)
            except DataError as error:
                entries.append(_defect(root, path, "failed", str(error)))
    entries += [_entry(root, path, series, first) for path in annotations]
    used = {path for entry in entries if isinstance(entry, Item) for path in entry.files.values()}
    spare = [paths for paths in series.values() if paths[0] not in used]
    return [*entries, *(_defect(root, paths[0], "skipped", _spare(paths)) for paths in spare)]


def _spare(paths: Sequence[Path]) -> str:
    return f"{place(paths[0])}: a series of {len(paths)} files without SEG or RTSTRUCT"


def _defect(root: Path, path: Path, kind: str, reason: str) -> Defect:
    case = path.relative_to(root).as_posix()
    return Defect(NAME, case, case, "failed" if kind == "failed" else "skipped", reason)


def _entry(root: Path, path: Path, series: Mapping[str, list[Path]], first: Mapping[str, "Header"]) -> Entry:
    try:
        annotation = read_header(path)
        named = [uid for uid in referenced_series(annotation) if uid in series]
        frame = annotation.get("FrameOfReferenceUID")
        alike = [uid for uid, header in first.items() if frame and header.get("FrameOfReferenceUID") == frame]
        uids = named or ([] if referenced_series(annotation) else alike)
    except DataError as error:
        return _defect(root, path, "failed", str(error))
    if len(uids) != 1:
        why = "the series that it was drawn on is not here" if not uids else f"drawn on {len(uids)} series; keep one"
        return _defect(root, path, "failed" if uids else "skipped", f"{place(path)}: mask without image: {why}")
    header = first[uids[0]]
    case = path.relative_to(root).as_posix()
    case = case.removesuffix(path.suffix) if path.suffix.lower() == ".dcm" else case
    images = series[uids[0]]
    roles = {"image": images[0]} | {f"image {number}": image for number, image in enumerate(images[1:], 2)}
    modality = modality_of(header.get("Modality", "any"))
    return Item(NAME, _patient(header, case), case, modality, {**roles, "mask": path})


def _patient(header: "Header", case: str) -> str:
    """The patient's id where the file says that it identifies nobody, else a digest of it."""
    given = str(header.get("PatientID") or "").strip()
    if not given:
        return case
    if header.get("PatientIdentityRemoved") == "YES":
        return given
    return f"patient-{hashlib.sha256(given.encode()).hexdigest()[:12]}"


def read(item: Item) -> Case:
    """The series with the segments or regions of one annotation.

    Raises:
        DataError: see `read_series` and `read_masks`; nothing lies on the slices that are here.
    """
    series = read_series([path for role, path in item.files.items() if role != "mask"])
    masks, warnings = read_masks(item.files["mask"], read_dataset(item.files["mask"]), series)
    return volume_case(item, series.volume, masks, warnings)


DICOM = Dataset(
    name=NAME,
    title="DICOM with SEG or RTSTRUCT",
    modality="any",
    rows={},
    licence="that of the source data",
    source="a folder of your own",
    citation="none",
    layout="the slices of a series and a SEG or RTSTRUCT file drawn on them, in one folder or in folders side by side",
    find=find,
    index=index,
    read=read,
)
