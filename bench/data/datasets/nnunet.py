"""nnU-Net raw data, version 2 (`DatasetNNN_Name`) and 1 (`TaskNNN_Name`)."""

import re
from functools import partial
from pathlib import Path
from typing import Any

from bench.data.case import Case, DataError, Dataset, Defect, Item
from bench.data.reading import nifti, pictures
from bench.data.reading.assemble import labelled_case
from bench.data.reading.labels import LabelTable, by_name, table_of
from bench.data.reading.layout import Entry, arranged, by_key, children, only, roots, stem
from bench.data.reading.names import modality_of
from bench.data.reading.opening import is_file, place, read_json
from segmote.imis.sparse_labels import class_names

NAME = "nnunet"
FOLDERS = {"train": ("imagesTr", "labelsTr"), "test": ("imagesTs", "labelsTs")}
CHANNEL = re.compile(r".+_\d{4}")
READABLE = (*nifti.ENDINGS, *pictures.ENDINGS)


def has_layout(folder: Path) -> bool:
    """A `dataset.json` beside images of channel 0000; AMOS and MSD have the file, but no channels in names."""
    return is_file(folder / "dataset.json") and any(
        stem(path).endswith("_0000") for images, _ in FOLDERS.values() for path in children(folder / images)
    )


def index(root: Path) -> list[Entry]:
    """Training cases, and test cases where labels are given; channel 0 is the image.

    Raises:
        DataError: `dataset.json` is not valid.
    """
    content = read_json(root / "dataset.json")
    try:
        channels = content.get("channel_names") or content["modality"]
        details = {"table": _table(content["labels"]), "channels": _by_number(channels)}
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise DataError(f"{place(root / 'dataset.json')}: not of the nnU-Net layout ({error!r})") from error
    return arranged(
        entry
        for split, (images, labels) in FOLDERS.items()
        for entry in _entries(root / images, root / labels, {**details, "split": split})
    )


def _by_number(channels: dict[str, Any]) -> tuple[str, ...]:
    """Names of the channels, that of channel 0 first, in whatever order they are listed."""
    names = {int(number): str(name) for number, name in channels.items()}
    if 0 not in names:
        raise ValueError(f"channel 0 has no name among {names}")
    return tuple(names[number] for number in sorted(names))


def _table(labels: dict[str, Any]) -> LabelTable:
    """Class to ids: version 2 maps name to id or ids of a region, version 1 id to name."""
    if all(key.isdigit() for key in labels):
        return by_name(class_names(labels).items())
    return table_of(labels)


def _entries(images: Path, labels: Path, details: dict[str, Any]) -> list[Entry]:
    channels = by_key((path for path in children(images) if CHANNEL.fullmatch(stem(path))), _case)
    masks = by_key((path for path in children(labels) if path.suffix.lower() != ".json"), stem)
    return [_entry(case, channels.get(case, []), masks.get(case, []), details) for case in {*channels, *masks}]


def _case(image: Path) -> str:
    return stem(image)[: -len("_0000")]


def _entry(case: str, images: list[Path], masks: list[Path], details: dict[str, Any]) -> Entry:
    if not masks:
        return Defect(NAME, case, case, "skipped", f"{place(images[0])}: image without mask")
    if not images:
        return Defect(NAME, case, case, "skipped", f"{place(masks[0])}: mask without image")
    first = [path for path in images if stem(path).endswith("_0000")]
    try:
        if not first:
            raise DataError(f"{place(images[0])}: channel 0000 is missing")
        image, mask = only(first, "image of channel 0000"), only(masks, "label file")
        for path in (image, mask):
            if not path.name.lower().endswith(READABLE):
                raise DataError(f"{place(path)}: ending is not one of {', '.join(READABLE)}; convert it to .nii.gz")
    except DataError as error:
        return Defect(NAME, case, case, "failed", str(error))
    names = details["channels"]
    modality = modality_of(names[0]) if names else "any"
    warnings = (f"{len(images)} channels ({', '.join(names)}): {names[0]} read",) if len(images) > 1 and names else ()
    return Item(NAME, case, case, modality, {"image": image, "mask": mask}, {**details, "warnings": warnings})


def read(item: Item) -> Case:
    """The first channel with the classes and regions of the label map; `ignore` is no class.

    Raises:
        DataError: see `labelled_case`.
    """
    return labelled_case(item, item.details["table"])


NNUNET = Dataset(
    name=NAME,
    title="nnU-Net layout",
    modality="any",
    rows={},
    licence="that of the source data set",
    source="https://github.com/MIC-DKFZ/nnUNet",
    citation="Isensee et al., Nature Methods 18 (2021)",
    layout="dataset.json, imagesTr/<case>_0000.nii.gz and labelsTr/<case>.nii.gz",
    find=partial(roots, has_layout=has_layout),
    index=index,
    read=read,
)
