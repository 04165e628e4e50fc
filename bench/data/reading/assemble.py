"""Image and masks put together as a case."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.data import mapped
from bench.data.case import Case, DataError, Item, Mask, ScanHeader, target_of
from bench.data.reading import pictures
from bench.data.reading.intensities import odd_intensities
from bench.data.reading.labels import NOT_SCORED, LabelTable, binary, by_id
from bench.data.reading.names import folded
from bench.data.reading.nifti import read_label_volume, read_volume
from bench.data.reading.opening import place
from bench.data.reading.pictures import read_label_picture, read_picture
from bench.data.reading.values import finite
from bench.data.reading.volumes import Volume, label_on_grid

RESERVED = "average"  # the row of tables that averages all others, in any letters


def volume_case(item: Item, image: Volume, masks: Mapping[str, Mask], warnings: Iterable[str]) -> Case:
    """A case of a volume; `masks` lie on the image's grid.

    Raises:
        DataError: no mask has foreground; two classes of one name, or a reserved one.
    """
    warnings = (*image.warnings, *warnings, *odd_intensities(image.voxels, item.modality))
    return _case(item, image.voxels, masks, image.spacing_mm, image.affine, warnings, image.header)


def picture_case(item: Item, image: NDArray[Any], masks: Mapping[str, Mask], warnings: Iterable[str]) -> Case:
    """A case of a picture, spacing unknown.

    Raises:
        DataError: a mask's shape is not the image's; no mask has foreground; no pixel is a finite number; two classes
            of one name, or a reserved one.
    """
    image, mended = finite(image, place(item.files["image"]))
    for name, mask in masks.items():
        if mask.shape != image.shape[:2]:
            raise DataError(
                f"mask of {name} has {mask.shape} pixels, {place(item.files['image'])} has {image.shape[:2]}; "
                "give both the same size"
            )
    # "CT" would mean Hounsfield units, which unsigned pictures of more than 8 bits do not hold
    deep_ct = item.modality == "CT" and image.dtype != np.uint8
    return _case(
        replace(item, modality="any") if deep_ct else item, image, masks, (1.0, 1.0), None, (*mended, *warnings)
    )


def one_class_picture(item: Item, target: str) -> Case:
    """A case of a picture and its mask of one class; resized masks are cut at the middle grey, with a warning.

    Raises:
        DataError: an unreadable file, a mask of another size or of other values, no foreground.
    """
    values, odd = read_label_picture(item.files["mask"])
    mask, soft = binary(values, place(item.files["mask"]))
    return picture_case(item, read_picture(item.files["image"]), {target: np.asarray(mask)}, (*odd, *soft))


def trusts_arrays(item: Item) -> bool:
    """Whether the user said that image and masks match voxel by voxel, whatever their affines say."""
    return bool(item.details.get("trust_arrays"))


def labelled_case(item: Item, table: LabelTable) -> Case:
    """A case of an image and one label map, both volumes or both pictures.

    Raises:
        DataError: a file is unreadable or of an unknown format, shapes or affines differ, an id has no name, no class
            has foreground.
    """
    image_path, label_path = item.files["image"], item.files["mask"]
    if label_path.name.lower().endswith(pictures.ENDINGS):
        values, odd = read_label_picture(label_path)
        masks, warnings = by_id(values, table, place(label_path))
        return picture_case(item, read_picture(image_path), masks, (*odd, *warnings))
    image, label = read_volume(image_path), read_label_volume(label_path)
    voxels, moved = label_on_grid(image, label, trusts_arrays(item))
    masks, warnings = by_id(voxels, table, place(label_path))
    return volume_case(item, image, masks, (*label.warnings, *moved, *warnings))


def _case(
    item: Item,
    image: NDArray[Any],
    masks: Mapping[str, Mask],
    spacing_mm: tuple[float, ...],
    affine: NDArray[np.float64] | None,
    warnings: Iterable[str],
    header: ScanHeader | None = None,
) -> Case:
    masks, void = _scored(masks)
    _require_sound_names(list(masks))
    present = {target_of(name): mask for name, mask in masks.items() if mapped.holds(mask, np.asarray)}
    if not present:
        raise DataError(f"no foreground in the masks of {item.case}: nothing to evaluate", "skipped")
    varies = mapped.holds(image, lambda part: part != image.flat[0])
    constant = () if varies else (f"all voxels of the image are {image.flat[0]}",)
    return Case(
        dataset=item.dataset,
        patient=item.patient,
        case=item.case,
        modality=item.modality,
        image=image,
        masks=present,
        spacing_mm=spacing_mm,
        affine=affine,
        warnings=(*item.details.get("warnings", ()), *warnings, *void, *constant),
        header=header,
    )


def _scored(masks: Mapping[str, Mask]) -> tuple[dict[str, Mask], tuple[str, ...]]:
    """The masks without those of classes that are named as not scored, and a warning for each of these."""
    kept = {name: mask for name, mask in masks.items() if name.lower() not in NOT_SCORED}
    counts = {name: mapped.count(mask, np.asarray) for name, mask in masks.items() if name not in kept}
    return kept, tuple(
        f"{count} values of {name!r} are named as not scored; they count as background"
        for name, count in counts.items()
        if count
    )


def _require_sound_names(classes: Sequence[str]) -> None:
    """Refuse names that tables and records cannot tell apart.

    Raises:
        DataError: names them.
    """
    by_fold: dict[str, str] = {}
    for name in classes:
        if not name.strip() or folded(name) == RESERVED:
            raise DataError(f"a class is named {name!r}, which tables need for something else; rename the class")
        if other := by_fold.get(folded(name)):
            raise DataError(f"the classes {other!r} and {name!r} differ in no more than capitals; rename one")
        by_fold[folded(name)] = name
