"""Cases cut into 2-D samples: the plane, the intensities, the working resolution."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from bench.data import mapped
from bench.data.case import Case, DataError, Mask
from bench.data.components import components
from bench.protocols import Protocol

CT_WINDOW_HU = (-160.0, 240.0)
MR_PERCENTILES = (0.5, 99.5)
PLANES_HELD = 16  # of a volume that is mapped, until their memory is given back
Voxel = TypeVar("Voxel", bound=np.generic)


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """One 2-D image with its targets.

    Attributes:
        slice: index along the slicing axis of the case, 0 for a picture.
        image: (H, W) or (H, W, 3) uint8, on the working grid.
        targets: class name, or "name#1" for a component of its own, to (H, W) bool on the working grid; what has no
            pixel left there is absent.
        native: the same targets on the case's own grid; the same objects if there is no working resolution.
        spacing_mm: (row, column) of the native grid.
        slice_mm: distance of neighbouring slices, None for a picture.
        slices: how many the volume has along the slicing axis.
    """

    slice: int
    image: NDArray[np.uint8]
    targets: dict[str, Mask]
    native: dict[str, Mask]
    spacing_mm: tuple[float, float]
    slice_mm: float | None
    slices: int


@dataclass(frozen=True, slots=True)
class SliceGrid:
    """Where a sample lies; the attributes are those of `Sample`."""

    slice: int
    spacing_mm: tuple[float, float]
    slice_mm: float | None
    slices: int


@dataclass(frozen=True, slots=True, eq=False)
class Plane:
    """One slice of a case, or the one picture, on the case's own grid.

    Attributes:
        grid: where it lies.
        image: (H, W) or (H, W, 3) uint8.
        masks: class name, or "name#1" for a component of its own, to (H, W) bool.
    """

    grid: SliceGrid
    image: NDArray[np.uint8]
    masks: dict[str, Mask]


def stretch(pixels: NDArray[Voxel], size: tuple[int, int]) -> NDArray[Voxel]:
    """An (H, W) or (H, W, 3) image or a mask at a protocol's working resolution, by nearest neighbour.

    Its aspect ratio is not kept. Each output pixel takes the input pixel below its centre, so image and mask agree.

    Args:
        pixels: the image or mask.
        size: (H, W) of the result.
    """
    sizes = zip(pixels.shape[:2], size, strict=True)
    rows, columns = (((2 * np.arange(new) + 1) * old) // (2 * new) for old, new in sizes)
    stretched: NDArray[Voxel] = pixels[rows[:, None], columns]
    return stretched


def to_uint8(image: NDArray[np.generic], modality: str, rule: str) -> NDArray[np.uint8]:
    """Intensities mapped to 0..255.

    Args:
        image: a volume (I, J, K), or a picture.
        modality: "CT" means Hounsfield units.
        rule: `Protocol.intensity`.

    Raises:
        DataError: a volume with one value only cannot be mapped.

    Source: windows and percentiles of bowang-lab/MedSAM `utils/README.md`.
    """
    return _window(image, modality, rule)(image)


def _window(image: NDArray[np.generic], modality: str, rule: str) -> Callable[[NDArray[np.generic]], NDArray[np.uint8]]:
    """The mapping of any part of an image to 0..255; one look-up in a table where there are at most 65,536 values."""
    low, high = _range(image, modality, rule)
    if high <= low:
        raise DataError(f"all voxels lie at {low:g}: no intensities to map to 0..255", "failed")
    background = rule == "window" and modality != "CT"  # outside the body it keeps its value, as in MedSAM

    def mapped(part: NDArray[np.generic]) -> NDArray[np.uint8]:
        values = np.nan_to_num(part.astype(np.float32))
        scaled = (np.clip(values, low, high) - low) * (255.0 / (high - low))
        if background:
            scaled[values == 0] = 0
        return np.round(scaled).astype(np.uint8)

    if not _is_short(image):
        return mapped
    unsigned = np.dtype(f"u{image.dtype.itemsize}")
    table = mapped(np.arange(2 ** (8 * unsigned.itemsize)).astype(unsigned).view(image.dtype))
    return lambda part: table[part.view(unsigned)]


def _is_short(image: NDArray[np.generic]) -> bool:
    """True for whole numbers of one or two bytes."""
    return image.dtype.kind in "iu" and image.dtype.itemsize <= 2 and image.dtype.isnative


def _range(image: NDArray[Any], modality: str, rule: str) -> tuple[float, float]:
    if rule == "window" and modality == "CT":
        return CT_WINDOW_HU
    values = image if _is_short(image) else np.nan_to_num(image.astype(np.float32))
    if rule == "minmax":
        low, high = mapped.limits(values)
        return float(low), float(high)
    positive = values[values > 0].astype(np.float32)
    if not positive.size:
        return 0.0, 0.0
    low, high = np.percentile(positive, MR_PERCENTILES)
    return float(low), float(high)


def plane(volume: NDArray[Voxel], axis: int, index: int) -> NDArray[Voxel]:
    """One plane of an LPS volume as a picture in radiological view.

    Axial: anterior on top, the patient's right on the left. Coronal and sagittal: superior on top.
    """
    if axis == 2:
        return volume[:, :, index].T
    return (volume[:, index, ::-1] if axis == 1 else volume[index, :, ::-1]).T


def slicing_axis(case: Case, protocol: Protocol) -> int:
    """The array axis across which a volume is cut; equal spacings mean axial."""
    if protocol.axis == "axial":
        return 2
    spacing = np.asarray(case.spacing_mm)
    return 2 if np.isclose(spacing[2], spacing.max()) else int(spacing.argmax())


def samples(case: Case, protocol: Protocol, everything: bool = False) -> Iterator[Sample]:
    """The slices of a volume that hold a target, or the one picture.

    Args:
        case: see `bench.data.case.Case`.
        protocol: plane, intensities, components, working resolution.
        everything: also the slices without a target; all targets of the case are in all slices, some of them empty.

    Raises:
        DataError: see `to_uint8`.
    """
    return (sample(one, protocol) for one in planes(case, protocol, everything))


def planes(case: Case, protocol: Protocol, everything: bool = False) -> Iterator[Plane]:
    """Like `samples`, on the case's own grid; only the slices that are yielded are mapped to 0..255."""
    ready = case.image.dtype == np.uint8 and not case.is_volume  # an 8-bit picture stays as it is
    window = np.asarray if ready else _window(case.image, case.modality, protocol.intensity)
    if not case.is_volume:
        grid = SliceGrid(0, (case.spacing_mm[0], case.spacing_mm[1]), None, 1)
        yield _plane(grid, window(case.image), case.masks, protocol)
        return
    axis = slicing_axis(case, protocol)
    others = tuple(other for other in range(3) if other != axis)
    present = {name: _planes_with(mask, axis) for name, mask in case.masks.items()}
    columns_mm, rows_mm = (case.spacing_mm[other] for other in others)
    for index in range(case.image.shape[axis]):
        there = [name for name in case.masks if everything or index in present[name]]
        if there:
            targets = {name: plane(case.masks[name], axis, index) for name in there}
            grid = SliceGrid(index, (rows_mm, columns_mm), case.spacing_mm[axis], case.image.shape[axis])
            yield _plane(grid, window(plane(case.image, axis, index)), targets, protocol)
        if index % PLANES_HELD == 0:
            for array in (case.image, *case.masks.values()):
                mapped.release(array)


def _planes_with(mask: Mask, axis: int) -> set[int]:
    """The indices along an axis at which a mask has foreground."""
    others = tuple(other for other in range(3) if other != axis)
    found = [np.atleast_1d(part.any(axis=others)) for (part,) in mapped.pieces(mask)]
    along = len(found) > 1 and sum(part.size for part in found) == mask.shape[axis]
    return set(np.flatnonzero(np.concatenate(found) if along else np.logical_or.reduce(found)))


def _plane(grid: SliceGrid, image: NDArray[np.uint8], masks: Mapping[str, Mask], protocol: Protocol) -> Plane:
    native = {name: np.ascontiguousarray(mask, bool) for name, mask in sorted(masks.items())}
    if protocol.component == "each":
        native = dict(part for name, mask in native.items() for part in _parts(name, mask))
    return Plane(grid, np.ascontiguousarray(image, np.uint8), native)


def sample(found: Plane, protocol: Protocol) -> Sample:
    """A slice as models see it: at the protocol's working resolution, if it has one."""
    grid, native, picture, working = found.grid, found.masks, found.image, found.masks
    if protocol.working_resolution is not None:
        side = (protocol.working_resolution, protocol.working_resolution)
        stretched = {name: stretch(mask, side) for name, mask in native.items()}
        working = {name: mask for name, mask in stretched.items() if mask.any() or not native[name].any()}
        picture = stretch(picture, side)
    return Sample(grid.slice, picture, working, native, grid.spacing_mm, grid.slice_mm, grid.slices)


def _parts(name: str, mask: Mask) -> list[tuple[str, Mask]]:
    """Each 8-connected component as a target of its own; a mask without foreground stays as it is."""
    labels, count = components(mask)
    return [(f"{name}#{number}", labels == number) for number in range(1, count + 1)] or [(name, mask)]
