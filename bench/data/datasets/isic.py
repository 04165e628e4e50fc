"""ISIC 2016, 2017 and 2018, task 1: dermoscopy with the border of the lesion."""

import re
from functools import partial
from pathlib import Path

import numpy as np

from bench.data.case import Case, Dataset, Defect, Item
from bench.data.reading.assemble import picture_case
from bench.data.reading.labels import binary
from bench.data.reading.layout import Entry, arranged, by_key, children, roots, stem
from bench.data.reading.opening import place
from bench.data.reading.pictures import read_label_picture, read_picture

TARGET = "skin lesion"
# Folders of images and of masks of a part (training, validation, test), named alike but for the end.
FOLDERS = {
    "isic2016": ("ISBI2016_ISIC_Part1_{}_Data", "ISBI2016_ISIC_Part1_{}_GroundTruth"),
    "isic2017": ("ISIC-2017_{}_Data", "ISIC-2017_{}_Part1_GroundTruth"),
    "isic2018": ("ISIC2018_Task1-2_{}_Input", "ISIC2018_Task1_{}_GroundTruth"),
}
PARTS = {"Training": "train", "Validation": "val", "Test": "test"}
TEST_V2 = "Test_v2"  # the test part of 2017, as the challenge serves it
IMAGE = re.compile(r"ISIC_\d{7}\.jpe?g", re.IGNORECASE)
MASK = re.compile(r"(?P<image>ISIC_\d{7})_segmentation\.png", re.IGNORECASE)


def has_layout(folder: Path, dataset: str) -> bool:
    """An image or a mask folder of any part of that year."""
    wanted = {name.format(part) for name in FOLDERS[dataset] for part in (*PARTS, TEST_V2)}
    return any(path.name in wanted and path.is_dir() for path in children(folder))


def index(root: Path, dataset: str) -> list[Entry]:
    """Pictures with their masks, by ISIC id; superpixels, licences and tables beside them are not read."""
    images, masks = FOLDERS[dataset]
    entries: list[Entry] = []
    for part in (*PARTS, TEST_V2):
        pictures = {stem(path): path for path in children(root / images.format(part)) if IMAGE.fullmatch(path.name)}
        found = (path for path in children(root / masks.format(part)) if MASK.fullmatch(path.name))
        borders = by_key(found, lambda path: path.name[: len("ISIC_0000000")])
        split = PARTS[part.removesuffix("_v2")]
        entries += [_entry(dataset, name, pictures, borders.get(name, []), split) for name in {*pictures, *borders}]
    return arranged(entries)


def _entry(dataset: str, name: str, pictures: dict[str, Path], borders: list[Path], split: str) -> Entry:
    if name not in pictures:
        return Defect(dataset, name, name, "skipped", f"{place(borders[0])}: mask without image")
    if not borders:
        return Defect(dataset, name, name, "skipped", f"{place(pictures[name])}: image without mask")
    if len(borders) > 1:
        several = ", ".join(map(place, borders))
        return Defect(dataset, name, name, "failed", f"more than one mask of {name}: {several}; keep one of them")
    return Item(dataset, name, name, "dermoscopy", {"image": pictures[name], "mask": borders[0]}, {"split": split})


def read(item: Item) -> Case:
    """The picture with its lesion; masks of resized copies are cut at the middle grey, with a warning.

    Raises:
        DataError: an unreadable file, a mask of another size or of other values, no lesion.
    """
    values, odd = read_label_picture(item.files["mask"])
    lesion, soft = binary(values, place(item.files["mask"]))
    return picture_case(item, read_picture(item.files["image"]), {TARGET: np.asarray(lesion)}, (*odd, *soft))


def _dataset(year: int, licence: str, citation: str) -> Dataset:
    name = f"isic{year}"
    images, masks = (folder.format("Training") for folder in FOLDERS[name])
    return Dataset(
        name=name,
        title=f"ISIC {year}",
        modality="any",
        rows={"Skin lesion": (TARGET,)},
        licence=licence,
        source="https://challenge.isic-archive.com/data/",
        citation=citation,
        layout=f"{images}/ISIC_NNNNNNN.jpg and {masks}/ISIC_NNNNNNN_segmentation.png, and so on for the other parts",
        find=partial(roots, has_layout=partial(has_layout, dataset=name)),
        index=partial(index, dataset=name),
        read=read,
    )


ISIC2016 = _dataset(2016, "CC0", "Gutman et al., arXiv:1605.01397 (2016)")
ISIC2017 = _dataset(2017, "CC0", "Codella et al., ISBI 2018, arXiv:1710.05006")
ISIC2018 = _dataset(2018, "CC BY-NC", "Codella et al., arXiv:1902.03368 (2019)")
