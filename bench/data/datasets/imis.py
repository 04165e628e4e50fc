"""The IMIS layout, also SegMoTE's: PNG slices with one sparse channel per class."""

import os
from collections import defaultdict
from functools import partial
from pathlib import Path
from typing import Any

from bench.data.case import Case, DataError, Dataset, Defect, Item
from bench.data.reading import pictures
from bench.data.reading.assemble import picture_case
from bench.data.reading.layout import Entry, arranged, case_of, files, listed_file, patient_of, roots
from bench.data.reading.names import modality_of
from bench.data.reading.opening import is_file, is_listed, place, read_bytes, read_json
from bench.data.reading.pictures import read_picture
from segmote.imis.sparse_labels import class_names, read_classes

NAME = "imis"
SHOWN = 80  # characters of an odd entry
SPLITS = {"training": "train", "test": "test"}
Listed = tuple[str | None, str, Any]  # label, split, and the patient if the list names one


def has_layout(folder: Path) -> bool:
    """A `dataset.json` beside a folder of sparse labels."""
    return is_file(folder / "dataset.json") and any(files(folder / "label", (".npz",)))


def index(root: Path) -> list[Entry]:
    """Listed slices, and images that no list names; the `imask` of IMIS is model output and not read.

    A case is named after its image's path below `image/`; its patient is the entry `patient`, or in that name.

    Raises:
        DataError: `dataset.json` is not valid.
    """
    content = read_json(root / "dataset.json")
    try:
        labels = class_names(content["labels"])
        modalities = {modality_of(name) for name in content.get("modality", {"0": "any"}).values()}
        items = [(item, split) for key, split in SPLITS.items() for item in content.get(key, [])]
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise DataError(f"{place(root / 'dataset.json')}: not of the IMIS layout ({error!r})") from error
    details = {"labels": labels, "modality": modalities.pop().upper() if len(modalities) == 1 else "any"}
    listed: dict[str, list[Listed]] = defaultdict(list)
    odd: list[Entry] = []
    for item, split in items:
        if isinstance(item, dict) and _is_text(item.get("image")) and _is_text(item.get("label", "")):
            listed[item["image"]].append((item.get("label"), split, item.get("patient")))
        else:
            reason = f"{place(root / 'dataset.json')}: {str(item)[:SHOWN]!r} names no image and label"
            odd.append(Defect(NAME, root.name, f"{split} list", "failed", reason))
    entries = odd + [_entry(root, image, found, details) for image, found in listed.items()]
    known = {os.path.realpath(path) for path in map(partial(_listed_image, root), listed) if path}
    spare = (path for path in files(root / "image", pictures.ENDINGS) if os.path.realpath(path) not in known)
    return arranged([*entries, *(_unlisted(root, path) for path in spare)])


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _listed_image(root: Path, listed: str) -> Path | None:
    try:
        return listed_file(root, listed)
    except DataError:
        return None


def _entry(root: Path, listed: str, found: list[Listed], details: dict[str, Any]) -> Entry:
    case = patient = listed
    try:
        image = listed_file(root, listed)
        case = case_of(image, root / "image")
        (name, split, given), *_ = found
        patient = str(given or patient_of(case))
        if len(found) > 1:
            raise DataError(f"{place(image)}: listed {len(found)} times; keep one entry")
        label = listed_file(root, str(name)) if name else root / "label"
    except DataError as error:
        return Defect(NAME, patient, case, "failed", f"{place(root / 'dataset.json')}: {error}")
    if not is_listed(image):
        return Defect(NAME, patient, case, "skipped", f"{place(label)}: mask without image {place(image)}")
    if not name or not is_listed(label):
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
        DataError: an unreadable file, a label that does not fit the image, a class without a name, no foreground.
    """
    image, label = read_picture(item.files["image"]), item.files["mask"]
    content = read_bytes(label)
    try:
        masks = read_classes(content, label.name, item.details["labels"], image.shape[:2])
    except ValueError as error:
        raise DataError(f"{place(label)}: {error}") from error
    return picture_case(item, image, masks, ())


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
