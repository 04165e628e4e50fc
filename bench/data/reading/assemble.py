"""Image and masks put together as a case."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.data.case import Case, DataError, Item, Mask
from bench.data.reading import pictures
from bench.data.reading.labels import Table, by_value
from bench.data.reading.nifti import Volume, check_grid, place, read_volume
from bench.data.reading.pictures import read_label_picture, read_picture


def volume_case(item: Item, image: Volume, masks: Mapping[str, Mask], warnings: Iterable[str]) -> Case:
    """A case of a volume; `masks` lie on the image's grid.

    Raises:
        DataError: no mask has foreground.
    """
    return _case(item, image.voxels, masks, image.spacing_mm, image.affine, (*image.warnings, *warnings))


def picture_case(item: Item, image: NDArray[Any], masks: Mapping[str, Mask], warnings: Iterable[str]) -> Case:
    """A case of a picture, spacing unknown.

    Raises:
        DataError: a mask's shape is not the image's; no mask has foreground.
    """
    for name, mask in masks.items():
        if mask.shape != image.shape[:2]:
            raise DataError(
                f"mask of {name} has {mask.shape} pixels, {place(item.files['image'])} has {image.shape[:2]}; "
                "give both the same size"
            )
    # "CT" would mean Hounsfield units, which unsigned pictures of more than 8 bits do not hold
    deep_ct = item.modality == "CT" and image.dtype != np.uint8
    return _case(replace(item, modality="any") if deep_ct else item, image, masks, (1.0, 1.0), None, warnings)


def trusts_arrays(item: Item) -> bool:
    """Whether the user said that image and masks match voxel by voxel, whatever their affines say."""
    return bool(item.details.get("trust_arrays"))


def labelled_case(item: Item, table: Table) -> Case:
    """A case of an image and one label map, both volumes or both pictures.

    Raises:
        DataError: a file is unreadable or of an unknown format, shapes or affines differ, no class has foreground.
    """
    image_path, label_path = item.files["image"], item.files["mask"]
    if label_path.name.lower().endswith(pictures.ENDINGS):
        masks, warnings = by_value(read_label_picture(label_path), table, place(label_path))
        return picture_case(item, read_picture(image_path), masks, warnings)
    image, label = read_volume(image_path), read_volume(label_path)
    moved = check_grid(image, label, trusts_arrays(item))
    masks, warnings = by_value(label.voxels, table, place(label_path))
    return volume_case(item, image, masks, (*label.warnings, *moved, *warnings))


def _case(
    item: Item,
    image: NDArray[Any],
    masks: Mapping[str, Mask],
    spacing_mm: tuple[float, ...],
    affine: NDArray[np.float64] | None,
    warnings: Iterable[str],
) -> Case:
    present = {name: mask for name, mask in masks.items() if mask.any()}
    if not present:
        raise DataError(f"no foreground in the masks of {item.case}: nothing to evaluate", "skipped")
    constant = () if (image != image.flat[0]).any() else (f"all voxels of the image are {image.flat[0]}",)
    return Case(
        dataset=item.dataset,
        patient=item.patient,
        case=item.case,
        modality=item.modality,
        image=image,
        masks=present,
        spacing_mm=spacing_mm,
        affine=affine,
        warnings=(*item.details.get("warnings", ()), *warnings, *constant),
    )
