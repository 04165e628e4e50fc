"""Cases cut into 2-D samples: the plane, the intensities, the working resolution."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from adapters.geometry import stretch
from bench.cases import Case, DataError, Mask
from bench.protocols import Protocol

CT_WINDOW_HU = (-160.0, 240.0)
MR_PERCENTILES = (0.5, 99.5)
Voxel = TypeVar("Voxel", bound=np.generic)


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """One 2-D image with its targets.

    Attributes:
        slice: index along the slicing axis of the case, 0 for a picture.
        image: (H, W) or (H, W, 3) uint8, on the working grid.
        targets: class name to (H, W) bool on the working grid; classes without foreground are absent.
        native: the same targets on the case's own grid; the same objects if there is no working resolution.
        spacing_mm: (row, column) of the native grid.
    """

    slice: int
    image: NDArray[np.uint8]
    targets: dict[str, Mask]
    native: dict[str, Mask]
    spacing_mm: tuple[float, float]


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
    values = np.nan_to_num(image.astype(np.float32))
    low, high = _range(values, modality, rule)
    if high <= low:
        raise DataError(f"all voxels lie at {low:g}: no intensities to map to 0..255", "failed")
    mapped = (np.clip(values, low, high) - low) * (255.0 / (high - low))
    if rule == "window" and modality != "CT":
        mapped[values == 0] = 0  # background outside the body keeps its value, as in MedSAM
    return np.round(mapped).astype(np.uint8)


def _range(values: NDArray[np.float32], modality: str, rule: str) -> tuple[float, float]:
    if rule == "minmax":
        return float(values.min()), float(values.max())
    if modality == "CT":
        return CT_WINDOW_HU
    positive = values[values > 0]
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


def samples(case: Case, protocol: Protocol) -> Iterator[Sample]:
    """The slices of a volume that hold a target, or the one picture.

    Raises:
        DataError: see `to_uint8`.
    """
    ready = case.image.dtype == np.uint8 and not case.is_volume  # an 8-bit picture stays as it is
    image = case.image if ready else to_uint8(case.image, case.modality, protocol.intensity)
    if not case.is_volume:
        yield _sample(0, image, dict(case.masks), protocol, (case.spacing_mm[0], case.spacing_mm[1]))
        return
    axis = slicing_axis(case, protocol)
    others = tuple(other for other in range(3) if other != axis)
    present = {name: np.flatnonzero(mask.any(axis=others)) for name, mask in case.masks.items()}
    columns_mm, rows_mm = (case.spacing_mm[other] for other in others)
    for index in range(image.shape[axis]):
        targets = {name: plane(mask, axis, index) for name, mask in case.masks.items() if index in present[name]}
        if targets:
            yield _sample(index, plane(image, axis, index), targets, protocol, (rows_mm, columns_mm))


def _sample(
    index: int,
    image: NDArray[np.generic],
    native: dict[str, Mask],
    protocol: Protocol,
    spacing_mm: tuple[float, float],
) -> Sample:
    picture = np.ascontiguousarray(image, np.uint8)
    native = {name: np.ascontiguousarray(mask, bool) for name, mask in sorted(native.items())}
    if protocol.working_resolution is None:
        return Sample(index, picture, native, native, spacing_mm)
    side = (protocol.working_resolution, protocol.working_resolution)
    working = {name: stretch(mask, side) for name, mask in native.items()}
    kept = {name: mask for name, mask in working.items() if mask.any()}
    return Sample(index, stretch(picture, side), kept, native, spacing_mm)
