"""nnU-Net raw data, version 2 (`DatasetNNN_Name`) and 1 (`TaskNNN_Name`)."""

import re
from functools import partial
from pathlib import Path
from typing import Any

from bench.data.case import Case, DataError, Dataset, Defect, Item
from bench.data.reading import nifti, pictures
from bench.data.reading.assemble import labelled_case
from bench.data.reading.labels import Table
from bench.data.reading.layout import Entry, arranged, children, indexed, read_json, roots, stem
from bench.data.reading.nifti import place

NAME = "nnunet"
FOLDERS = {"train": ("imagesTr", "labelsTr"), "test": ("imagesTs", "labelsTs")}
CHANNEL = re.compile(r"(?P<case>.+)_(?P<channel>\d{4})")
READABLE = (*nifti.ENDINGS, *pictures.ENDINGS)
NOT_SCORED = ("background", "ignore")


def has_layout(folder: Path) -> bool:
    """A `dataset.json` beside images of channel 0000; AMOS and MSD have the file, but no channels in names."""
    return (folder / "dataset.json").is_file() and any(
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
        details = {"table": _table(content["labels"]), "channels": tuple(str(name) for name in channels.values())}
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise DataError(f"{place(root / 'dataset.json')}: not of the nnU-Net layout ({error!r})") from error
    return arranged(
        entry
        for split, (images, labels) in FOLDERS.items()
        for entry in _entries(root / images, root / labels, {**details, "split": split})
    )


def _table(labels: dict[str, Any]) -> Table:
    """Class to ids: version 2 maps name to id or ids of a region, version 1 id to name."""
    if all(key.isdigit() for key in labels):
        labels = {str(name): int(number) for number, name in labels.items()}
    ids = {name: (value,) if isinstance(value, int) else tuple(map(int, value)) for name, value in labels.items()}
    return {name: values for name, values in ids.items() if name not in NOT_SCORED and values != (0,)}


def _entries(images: Path, labels: Path, details: dict[str, Any]) -> list[Entry]:
    channels: dict[str, list[Path]] = {}
    for path in children(images):
        if named := CHANNEL.fullmatch(stem(path)):
            channels.setdefault(named["case"], []).append(path)
    masks = {stem(path): path for path in children(labels) if path.suffix != ".json"}
    return [_entry(case, channels.get(case, []), masks.get(case), details) for case in {*channels, *masks}]


def _entry(case: str, images: list[Path], mask: Path | None, details: dict[str, Any]) -> Entry:
    if mask is None:
        return Defect(NAME, case, case, "skipped", f"{place(images[0])}: image without mask")
    if not images:
        return Defect(NAME, case, case, "skipped", f"{place(mask)}: mask without image")
    if not stem(images[0]).endswith("_0000"):
        return Defect(NAME, case, case, "failed", f"{place(images[0])}: channel 0000 is missing")
    for path in (images[0], mask):
        if not path.name.lower().endswith(READABLE):
            reason = f"{place(path)}: ending is not one of {', '.join(READABLE)}; convert it to .nii.gz"
            return Defect(NAME, case, case, "failed", reason)
    names = details["channels"]
    modality = "CT" if names[:1] == ("CT",) else (names or ("any",))[0]
    warnings = (f"{len(images)} channels ({', '.join(names)}): {names[0]} read",) if len(images) > 1 else ()
    files = {"image": images[0], "mask": mask}
    return Item(NAME, case, case, modality, files, {**details, "warnings": warnings})


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
    index=partial(indexed, dataset=NAME, index=index),
    read=read,
)
