"""The Medical Segmentation Decathlon (`TaskNN_Name`), and other sets that list their pairs in such a `dataset.json`."""

import re
from functools import partial
from pathlib import Path
from typing import Any

from bench.data.case import Case, DataError, Dataset, Defect, Item
from bench.data.reading import nifti
from bench.data.reading.assemble import labelled_case
from bench.data.reading.labels import by_name
from bench.data.reading.layout import Entry, arranged, children, listed_file, roots, stem
from bench.data.reading.names import modality_of
from bench.data.reading.opening import is_file, is_listed, place, read_json
from segmote.imis.sparse_labels import class_names

NAME = "msd"
IMAGES, LABELS = "imagesTr", "labelsTr"
OTHERS = re.compile(r".*_0000|(?:amos|word)_\d{4}", re.IGNORECASE)  # channels of nnU-Net, cases of AMOS and WORD
SHOWN = 80  # characters of an odd entry


def has_layout(folder: Path) -> bool:
    """A `dataset.json` that lists pairs, beside images named as in no layout with a reader of its own.

    Images with channel numbers are nnU-Net's.
    """
    images = [path for path in children(folder / IMAGES) if path.name.lower().endswith(nifti.ENDINGS)]
    others = any(OTHERS.fullmatch(stem(one)) for one in images)
    return bool(images) and not others and is_file(folder / "dataset.json") and _lists_pairs(folder / "dataset.json")


def _lists_pairs(path: Path) -> bool:
    try:
        content = read_json(path)
    except DataError:  # damaged: named when the folder is indexed
        return True
    return isinstance(content, dict) and "training" in content


def index(root: Path) -> list[Entry]:
    """Listed training pairs, and files that no pair names; hidden files (`._*` of macOS) are none.

    Raises:
        DataError: `dataset.json` is not valid.
    """
    content = read_json(root / "dataset.json")
    try:
        table = by_name(class_names(content["labels"]).items())
        channels = tuple(str(name) for _, name in sorted(content["modality"].items(), key=lambda one: int(one[0])))
        pairs = list(content["training"])
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise DataError(f"{place(root / 'dataset.json')}: not of the Decathlon layout ({error!r})") from error
    details = {"table": table, "split": "train"}
    entries = [_entry(root, pair, modality_of(channels[0]) if channels else "any", details) for pair in pairs]
    used = {path.resolve() for one in entries if isinstance(one, Item) for path in one.files.values()}
    named = {one.case for one in entries}
    return arranged([*entries, *_unlisted(root, used, named)])


def _entry(root: Path, pair: Any, modality: str, details: dict[str, Any]) -> Entry:
    if not (isinstance(pair, dict) and all(isinstance(pair.get(role), str) for role in ("image", "label"))):
        reason = f"{place(root / 'dataset.json')}: {str(pair)[:SHOWN]!r} names no image and label"
        return Defect(NAME, root.name, "training list", "failed", reason)
    case = stem(Path(pair["image"]))
    try:
        image, label = (listed_file(root, pair[role]) for role in ("image", "label"))
    except DataError as error:
        return Defect(NAME, case, case, "failed", f"{place(root / 'dataset.json')}: {error}")
    if not is_listed(image):
        return Defect(NAME, case, case, "skipped", f"{place(label)}: mask without image {place(image)}")
    if not is_listed(label):
        return Defect(NAME, case, case, "skipped", f"{place(image)}: image without mask {place(label)}")
    return Item(NAME, case, case, modality, {"image": image, "mask": label}, details)


def _unlisted(root: Path, used: set[Path], named: set[str]) -> list[Defect]:
    spare = [path for name in (IMAGES, LABELS) for path in children(root / name) if path.resolve() not in used]
    return [
        Defect(NAME, stem(path), stem(path), "skipped", f"{place(path)}: not listed in dataset.json")
        for path in spare
        if stem(path) not in named
    ]


def read(item: Item) -> Case:
    """The image with the classes of its label map, whole numbers also where they are stored as floats.

    Raises:
        DataError: see `labelled_case`; an image of several channels (4-D), of which one must be chosen first.
    """
    return labelled_case(item, item.details["table"])


MSD = Dataset(
    name=NAME,
    title="Decathlon layout",
    modality="any",
    rows={},
    licence="that of the source data set (the Decathlon's own: CC BY-SA 4.0)",
    source="http://medicaldecathlon.com",
    citation="Antonelli et al., Nature Communications 13:4128 (2022)",
    layout="dataset.json with a list training of {image, label}, imagesTr/<case>.nii.gz and labelsTr/<case>.nii.gz",
    find=partial(roots, has_layout=has_layout),
    index=index,
    read=read,
)
