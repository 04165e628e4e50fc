"""The IMIS layout, also SegMoTE's: PNG slices with one sparse channel per class."""

import math
import re
from collections import defaultdict
from functools import partial
from pathlib import Path
from typing import Any

from bench.data.case import Case, DataError, Dataset, Defect, Item, Mask
from bench.data.reading import pictures
from bench.data.reading.assemble import picture_case
from bench.data.reading.layout import Entry, arranged, case_of, files, listed_file, patient_of, roots
from bench.data.reading.names import modality_of
from bench.data.reading.opening import exists, is_file, place, read_bytes, read_json
from bench.data.reading.pictures import read_picture
from bench.data.reading.sparse_labels import load_channels

NAME = "imis"
SHAPE = re.compile(r"\(([\d, ]+)\)\.npz$", re.IGNORECASE)
SPLITS = {"training": "train", "test": "test"}


def has_layout(folder: Path) -> bool:
    """A `dataset.json` beside a folder of sparse labels."""
    return is_file(folder / "dataset.json") and any(files(folder / "label", (".npz",)))


def index(root: Path) -> list[Entry]:
    """Listed slices, and images that no list names; the `imask` of IMIS is model output and not read.

    A case is named after its image's path below `image/`.

    Raises:
        DataError: `dataset.json` is not valid.
    """
    content = read_json(root / "dataset.json")
    try:
        labels = {int(number): str(name) for number, name in content["labels"].items()}
        modalities = {modality_of(name) for name in content.get("modality", {"0": "any"}).values()}
        listed: dict[str, list[tuple[str | None, str]]] = defaultdict(list)
        for key, split in SPLITS.items():
            for item in content.get(key, []):
                listed[str(item["image"])].append((item.get("label"), split))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise DataError(f"{place(root / 'dataset.json')}: not of the IMIS layout ({error!r})") from error
    details = {"labels": labels, "modality": modalities.pop().upper() if len(modalities) == 1 else "any"}
    entries = [_entry(root, image, found, details) for image, found in listed.items()]
    known = {path.resolve() for path in map(partial(_listed_image, root), listed) if path}
    spare = (path for path in files(root / "image", pictures.ENDINGS) if path.resolve() not in known)
    return arranged([*entries, *(_unlisted(root, path) for path in spare)])


def _listed_image(root: Path, listed: str) -> Path | None:
    try:
        return listed_file(root, listed)
    except DataError:
        return None


def _entry(root: Path, listed: str, found: list[tuple[str | None, str]], details: dict[str, Any]) -> Entry:
    case = patient = listed
    try:
        image = listed_file(root, listed)
        case = case_of(image, root / "image")
        patient = patient_of(case)
        if len(found) > 1:
            raise DataError(f"{place(image)}: listed {len(found)} times; keep one entry")
        (name, split), *_ = found
        label = listed_file(root, str(name)) if name else root / "label"
    except DataError as error:
        return Defect(NAME, patient, case, "failed", f"{place(root / 'dataset.json')}: {error}")
    if not exists(image):
        return Defect(NAME, patient, case, "skipped", f"{place(label)}: mask without image {place(image)}")
    if not name or not exists(label):
        return Defect(NAME, patient, case, "skipped", f"{place(image)}: image without mask {place(label)}")
    roles = {"image": image, "mask": label}
    return Item(NAME, patient, case, details["modality"], roles, {"split": split, "labels": details["labels"]})


def _unlisted(root: Path, image: Path) -> Defect:
    reason = f"{place(image)}: image without mask, not listed in dataset.json"
    case = case_of(image, root / "image")
    return Defect(NAME, patient_of(case), case, "skipped", reason)


def read(item: Item) -> Case:
    """The slice with one mask per class that is not empty; class id = channel + 1, channels of one name are one class.

    Raises:
        DataError: an unreadable file, a label that does not fit the image, no foreground.
    """
    image = read_picture(item.files["image"])
    names = item.details["labels"]
    masks: dict[str, Mask] = {}
    for number, channel in _channels(item.files["mask"], image.shape[:2]):
        name = names.get(number, f"label {number}")
        masks[name] = masks[name] | channel if name in masks else channel
    return picture_case(item, image, masks, ())


def _channels(path: Path, size: tuple[int, ...]) -> list[tuple[int, Mask]]:
    """Class ids and (H, W) masks of the channels with foreground; the shape stands in the file name, if anywhere."""
    content = read_bytes(path)
    try:
        rows, masks, shape = load_channels(content)
    except ValueError as error:
        raise DataError(f"{place(path)}: cannot be read ({error})") from error
    named = SHAPE.search(path.name)
    count, *rest = (int(side) for side in named[1].split(",") if side.strip()) if named else (shape[0], *size)
    if tuple(rest[:2]) != size or shape != (count, math.prod(rest)):
        raise DataError(f"{place(path)}: {shape} values named {(count, *rest)}; the image has {size} pixels")
    return [(int(row) + 1, mask.reshape(size)) for row, mask in zip(rows, masks, strict=True)]


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
    index=index,
    read=read,
)
