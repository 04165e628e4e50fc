"""Plain folders: pictures in one, masks of the same names in the other."""

import re
from collections import defaultdict
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from bench.data.case import Case, DataError, Dataset, Defect, Item
from bench.data.reading.assemble import picture_case
from bench.data.reading.labels import LabelTable, by_grey, by_id, table_of, unnamed
from bench.data.reading.layout import Entry, arranged, case_of, children, files, patient_of, roots
from bench.data.reading.opening import is_file, is_listed, place, read_json
from bench.data.reading.pictures import ENDINGS, read_label_picture, read_picture

NAME = "folder"
IMAGES = ("images", "image", "imgs", "img", "cxr_png")
MASKS = ("masks", "mask", "labels", "label", "gts", "gt", "segmentations")
SUFFIX = re.compile(r"[_-](?:mask|masks|seg|segmentation|label|gt)$", re.IGNORECASE)
SHENZHEN = re.compile(r"CHNCXR_\d{4}_[01]", re.IGNORECASE)  # has a reader of its own
OTHERS = (
    "dataset.json",
    "image2label_train.json",
    "image2label_test.json",
    "label2image_train.json",
    "label2image_test.json",
    "SAMed2D_v1.json",
)


def has_layout(folder: Path) -> bool:
    """A folder of images and a folder of masks, and no list of another layout beside them nor names of SZ-CXR."""
    if any(is_file(folder / name) for name in OTHERS):
        return False
    if any(SHENZHEN.match(name) for name, _ in _pictures(folder, ("cxr_png",))):
        return False
    return all(any(_pictures(folder, names)) for names in (IMAGES, MASKS))


def index(root: Path) -> list[Entry]:
    """Pairs by their path below the two folders, a suffix such as `_mask` left aside, letters composed or not.

    Raises:
        DataError: the file of class names is not valid.
    """
    table, grey = _table(root)
    images, masks = defaultdict(list), defaultdict(list)
    for name, path in _pictures(root, IMAGES):
        images[name].append(path)
    for name, path in _pictures(root, MASKS):
        masks[name if name in images else SUFFIX.sub("", name)].append(path)
    entries = (_entry(root, name, images[name], masks[name], (table, grey)) for name in {*images, *masks})
    return arranged(entries)


def _pictures(root: Path, names: tuple[str, ...]) -> Iterator[tuple[str, Path]]:
    """Pictures at or below the sub-folder that comes first in `names`, with their paths there without ending."""
    folders = {path.name.lower(): path for path in children(root) if path.is_dir()}
    folder = next((folders[name] for name in names if name in folders), None)
    if folder:
        yield from ((case_of(path, folder), path) for path in files(folder, ENDINGS))


def _entry(root: Path, name: str, images: list[Path], masks: list[Path], named: tuple[LabelTable, bool]) -> Entry:
    patient = _patient(root, name)
    if not images:
        return Defect(NAME, patient, name, "skipped", f"{place(masks[0])}: mask without image")
    if not masks:
        return Defect(NAME, patient, name, "skipped", f"{place(images[0])}: image without mask")
    if len(images) + len(masks) > 2:
        several = ", ".join(place(path) for path in (*images, *masks))
        return Defect(NAME, patient, name, "failed", f"more than one image or mask named {name}: {several}")
    details = {"table": named[0], "grey": named[1]}
    return Item(NAME, patient, name, "any", {"image": images[0], "mask": masks[0]}, details)


def _patient(root: Path, name: str) -> str:
    """Huang et al. name slices `<folder>_<patient>_<slice>...`; elsewhere see `patient_of`."""
    rest = name.removeprefix(f"{root.name}_")
    return patient_of(name) if rest == name else f"{root.name}_{rest.split('_')[0]}"


def _table(root: Path) -> tuple[LabelTable, bool]:
    """Class to stored values, and whether these are grey levels.

    `labels.json` in the root ({"liver": 1}) names ids, Huang et al.'s `data_infor_json` grey levels.
    """
    above = (parent / "data_infor_json" / f"{root.name}.json" for parent in (root, *root.parents[:2]))
    path = next((path for path in (root / "labels.json", *above) if is_listed(path)), None)
    return _parsed(path, read_json(path)) if path else ({}, False)


def _parsed(path: Path, content: Any) -> tuple[LabelTable, bool]:
    try:
        grey = "info" in content and "color" in content
        if grey:
            content = {name: _level(content["color"][number]) for number, name in content["info"].items()}
        return table_of(content), grey
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise DataError(f"{place(path)}: not a mapping of class names to values ({error!r})") from error


def _level(value: Any) -> Any:
    if isinstance(value, list):
        raise ValueError(f"colour {value} is no grey level")
    return value


def read(item: Item) -> Case:
    """The picture with its masks, named by the table if there is one, see `labels`.

    Raises:
        DataError: an unreadable file, a mask of another size, values without names, no foreground.
    """
    values, odd = read_label_picture(item.files["mask"])
    table, where = item.details["table"], place(item.files["mask"])
    if item.details["grey"]:
        masks, warnings = by_grey(values, table, where)
    else:
        masks, warnings = by_id(values, table, where) if table else unnamed(values, where)
    return picture_case(item, read_picture(item.files["image"]), masks, (*odd, *warnings))


FOLDER = Dataset(
    name=NAME,
    title="Images and masks",
    modality="any",
    rows={},
    licence="that of the source data",
    source="a folder of your own",
    citation="none",
    layout="images/<name>.png and masks/<name>.png (or <name>_mask.png, labels/, gts/; also in folders of patients), "
    "and optionally labels.json "
    '({"liver": 1, ...})',
    find=partial(roots, has_layout=has_layout),
    index=index,
    read=read,
)
