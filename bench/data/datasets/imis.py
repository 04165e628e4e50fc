"""The IMIS layout, also SegMoTE's: PNG slices with one sparse channel a class."""

import re
import zipfile
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from bench.data.case import Case, DataError, Dataset, Defect, Item
from bench.data.reading import pictures
from bench.data.reading.assemble import picture_case
from bench.data.reading.layout import Entry, arranged, children, indexed, patient_of, read_json, roots, stem
from bench.data.reading.nifti import UNREADABLE, place
from bench.data.reading.pictures import read_picture

NAME = "imis"
SHAPE = re.compile(r"\(([\d, ]+)\)\.npz$")
DAMAGED = (*UNREADABLE, KeyError, TypeError, RuntimeError, zipfile.BadZipFile)  # what SciPy raises on such an archive
SPLITS = {"training": "train", "test": "test"}


def has_layout(folder: Path) -> bool:
    """A `dataset.json` beside a folder of sparse labels."""
    return (folder / "dataset.json").is_file() and any((folder / "label").glob("*.npz"))


def index(root: Path) -> list[Entry]:
    """Listed slices, and images that no list names; the `imask` of IMIS is model output and not read.

    Raises:
        DataError: `dataset.json` is not valid.
    """
    content = read_json(root / "dataset.json")
    try:
        labels = {int(number): name for number, name in content["labels"].items()}
        listed = {
            stem(root / item["image"]): (root / item["image"], root / (item.get("label") or "label"), split)
            for key, split in SPLITS.items()
            for item in content.get(key, [])
        }
        modality = str(next(iter(content.get("modality", {"0": "any"}).values()))).upper()
    except (KeyError, TypeError, ValueError, AttributeError, StopIteration) as error:
        raise DataError(f"{place(root / 'dataset.json')}: not of the IMIS layout ({error!r})") from error
    entries = [_entry(case, *paths, modality, labels) for case, paths in listed.items()]
    spare = (path for path in children(root / "image") if stem(path) not in listed)
    return arranged([*entries, *(_unlisted(path) for path in spare if path.suffix.lower() in pictures.ENDINGS)])


def _entry(case: str, image: Path, label: Path, split: str, modality: str, labels: dict[int, str]) -> Entry:
    patient = patient_of(case)
    if not image.is_file():
        return Defect(NAME, patient, case, "skipped", f"{place(label)}: mask without image {place(image)}")
    if not label.is_file():
        return Defect(NAME, patient, case, "skipped", f"{place(image)}: image without mask {place(label)}")
    details = {"split": split, "labels": labels}
    return Item(NAME, patient, case, modality, {"image": image, "mask": label}, details)


def _unlisted(image: Path) -> Defect:
    reason = f"{place(image)}: image without mask, not listed in dataset.json"
    return Defect(NAME, patient_of(stem(image)), stem(image), "skipped", reason)


def read(item: Item) -> Case:
    """The slice with one mask a channel that is not empty; class id = channel + 1.

    Raises:
        DataError: an unreadable file, a label that does not fit the image, no foreground.
    """
    image = read_picture(item.files["image"])
    channels = _channels(item.files["mask"], image.shape[:2])
    names = item.details["labels"]
    masks = {
        names.get(number, f"label {number}"): channel for number, channel in enumerate(channels, 1) if channel.any()
    }
    return picture_case(item, image, masks, ())


def _channels(path: Path, size: tuple[int, ...]) -> NDArray[np.bool_]:
    """(C, H, W) from the rows of the stored matrix; the shape stands in the file name, if anywhere."""
    try:
        matrix: Any = sparse.load_npz(path)
    except DAMAGED as error:
        raise DataError(f"{place(path)}: cannot be read ({type(error).__name__}: {error})") from error
    named = SHAPE.search(path.name)
    count, *rest = (int(side) for side in named[1].split(",") if side.strip()) if named else (matrix.shape[0], *size)
    if tuple(rest[:2]) != size or matrix.shape != (count, int(np.prod(rest))):
        raise DataError(f"{place(path)}: {matrix.shape} values named {(count, *rest)}; the image has {size} pixels")
    channels: NDArray[np.bool_] = matrix.toarray().reshape(count, *size) > 0
    return channels


IMIS = Dataset(
    name=NAME,
    title="IMIS layout",
    modality="any",
    rows={},
    licence="that of the source data set",
    source="https://github.com/uni-medical/IMIS-Bench",
    citation="Cheng et al., IMIS-Bench (2024)",
    layout="dataset.json, image/<name>.png and label/x___<name>.(C, H, W, 1).npz",
    find=partial(roots, has_layout=has_layout),
    index=partial(indexed, dataset=NAME, index=index),
    read=read,
)
