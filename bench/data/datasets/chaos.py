"""CHAOS: abdominal organs in MR (T1-DUAL, T2-SPIR) and the liver in CT, DICOM slices with one label picture each."""

import re
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.data.case import Case, DataError, Dataset, Defect, Item, Mask
from bench.data.reading.assemble import volume_case
from bench.data.reading.dicom import is_dicom, read_series
from bench.data.reading.labels import binary, by_grey
from bench.data.reading.layout import Entry, arranged, children, roots, stem
from bench.data.reading.opening import place
from bench.data.reading.pictures import read_label_picture

# By data set: folder of the patients, that of the slices below a patient, that of the labels, modality.
FOLDERS = {
    "chaos-t1": ("MR", "T1DUAL/DICOM_anon/InPhase", "T1DUAL/Ground", "MR"),
    "chaos-t1-outphase": ("MR", "T1DUAL/DICOM_anon/OutPhase", "T1DUAL/Ground", "MR"),
    "chaos-t2": ("MR", "T2SPIR/DICOM_anon", "T2SPIR/Ground", "MR"),
    "chaos-ct": ("CT", "DICOM_anon", "Ground", "CT"),
}
LIVER = "liver"
GREYS = {LIVER: (63,), "kidney_right": (126,), "kidney_left": (189,), "spleen": (252,)}
# What the organisers count as each organ; edges were smoothed in some pictures.
RANGES = {LIVER: (55, 70), "kidney_right": (110, 135), "kidney_left": (175, 200), "spleen": (240, 255)}
NUMBER = re.compile(r"\d+")
LABEL = ".png"


def has_layout(folder: Path, dataset: str) -> bool:
    """A patient below `MR` or `CT` with slices or labels of the data set."""
    above, slices, labels, _ = FOLDERS[dataset]
    return any(
        any(path.is_file() for path in children(patient / inside))
        for patient in children(folder / above)
        for inside in (slices, labels)
    )


def index(root: Path, dataset: str) -> list[Entry]:
    """One case per patient with its slices and its label pictures; CT and MR were taken of different people."""
    above, slices, labels, modality = FOLDERS[dataset]
    entries: list[Entry] = []
    for patient in children(root / above):
        images = [path for path in children(patient / slices) if is_dicom(path) and path.is_file()]
        masks = [path for path in children(patient / labels) if path.name.lower().endswith(LABEL)]
        name = f"chaos_{modality.lower()}_{patient.name}"
        if images and masks:
            entries.append(_entry(dataset, name, modality, images, masks))
        elif images or masks:
            reason = "image without mask" if images else "mask without image"
            shown = place(patient / (slices if images else labels))
            entries.append(Defect(dataset, name, name, "skipped", f"{shown}: {reason}"))
    return arranged(entries)


def _entry(dataset: str, name: str, modality: str, images: Sequence[Path], masks: Sequence[Path]) -> Entry:
    try:
        pairs = pair(images, masks)
    except DataError as error:
        return Defect(dataset, name, name, "failed", str(error))
    roles = {"image": pairs[0][0]} | {f"image {number}": image for number, (image, _) in enumerate(pairs[1:], 2)}
    roles |= {f"mask {number}": mask for number, (_, mask) in enumerate(pairs, 1)}
    return Item(dataset, name, name, modality, roles, {"masks": {image: mask for image, mask in pairs}})


def pair(images: Sequence[Path], masks: Sequence[Path]) -> list[tuple[Path, Path]]:
    """Slices with their label pictures, by the numbers in their names.

    The numbers of a slice and of its label differ by the same for all slices of a series: by nothing, or by one where
    the files are counted from 0 and from 1, or where both echoes share the labels of one.

    Raises:
        DataError: other counts, or differences that are not the same, so that a slice or a label is missing.
    """
    images, masks = sorted(images, key=_number), sorted(masks, key=_number)
    if len(images) != len(masks):
        raise DataError(
            f"{place(images[0])}: {len(images)} slices in the folder, but {len(masks)} labels beside {place(masks[0])}"
        )
    pairs = list(zip(images, masks, strict=True))
    shift = _number(images[0]) - _number(masks[0])
    for image, mask in pairs:
        if _number(image) - _number(mask) != shift:
            raise DataError(f"{place(image)}: no label has its number; the next is {place(mask)}")
    return pairs


def _number(path: Path) -> int:
    """The last number of a name, before a comma: 30 of `i0030,0000b` and of `liver_GT_030`, 2 of `IMG-0004-00002`."""
    found = NUMBER.findall(stem(path).partition(",")[0])
    if not found:
        raise DataError(f"{place(path)}: no number in the name")
    return int(found[-1])


def read(item: Item) -> Case:
    """The volume with the organs of its label pictures.

    Raises:
        DataError: see `read_series`; a label picture of another size, or with values that are no organ.
    """
    images = [path for role, path in item.files.items() if role.startswith("image")]
    series = read_series(images)
    columns, rows, count = series.shape
    masks: dict[str, Mask] = {}
    warnings: list[str] = []
    for number, path in enumerate(series.paths):
        label = item.details["masks"][path]
        values, odd = read_label_picture(label)
        if values.shape != (rows, columns):
            raise DataError(f"{place(label)}: {values.shape} pixels, {place(path)} has {(rows, columns)}")
        found, said = _organs(values, item.modality, place(label))
        warnings += (*odd, *said)
        for organ, mask in found.items():
            masks.setdefault(organ, np.zeros((columns, rows, count), bool))[..., number] = mask.T
    return volume_case(item, series.volume, {organ: series.turned(mask) for organ, mask in masks.items()}, warnings)


def _organs(values: NDArray[Any], modality: str, where: str) -> tuple[dict[str, Mask], tuple[str, ...]]:
    if modality == "CT":
        mask, warnings = binary(values, where)
        return {LIVER: mask}, warnings
    exact = values.copy()
    for organ, (low, high) in RANGES.items():
        exact[(values >= low) & (values <= high)] = GREYS[organ][0]
    return by_grey(exact, GREYS, where)


def _dataset(name: str, title: str) -> Dataset:
    above, slices, labels, modality = FOLDERS[name]
    return Dataset(
        name=name,
        title=title,
        modality=modality,
        rows={},
        licence="CC BY-NC-SA 4.0",
        source="https://doi.org/10.5281/zenodo.3431873",
        citation="Kavur et al., Medical Image Analysis 69 (2021)",
        layout=f"{above}/<patient>/{slices}/*.dcm and {above}/<patient>/{labels}/*.png",
        find=partial(roots, has_layout=partial(has_layout, dataset=name)),
        index=partial(index, dataset=name),
        read=read,
    )


T1 = _dataset("chaos-t1", "CHAOS (T1)")
T1_OUT_PHASE = _dataset("chaos-t1-outphase", "CHAOS (T1, out of phase)")
T2 = _dataset("chaos-t2", "CHAOS (T2)")
CT = _dataset("chaos-ct", "CHAOS (CT)")
