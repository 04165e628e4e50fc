"""Distances between the surfaces of two masks, computed once per pair; NSD and HD95 are derived from them.

The surface of a mask is what erosion with the 4-neighbourhood (2-D) or 6-neighbourhood (3-D) removes, as in MONAI;
everything outside the image is background. Every surface pixel or voxel counts once (google-deepmind/surface-distance
weights them by surface area instead, so its values differ slightly).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pykdtree.kdtree import KDTree

from bench.data.bounding_box import bounding_box
from bench.data.case import Mask

Distances = NDArray[np.float64]
# A distance that equals the tolerance but for rounding counts as within it: 5 pixels of 0.4 mm are 2 mm wherever they
# lie and whether a header holds 0.4 as a float of 32 or 64 bits. Far below any spacing, far above rounding.
TOLERANCE_GUARD = 1e-6


@dataclass(frozen=True, slots=True, eq=False)
class SurfaceDistances:
    """How far each surface is from the other, in mm.

    Attributes:
        from_target: (T,) from each surface pixel of the target to the nearest one of the prediction.
        from_predicted: (P,) the other way round. Infinite where the other mask is empty.
    """

    from_target: Distances
    from_predicted: Distances

    def nsd(self, tolerance_mm: float) -> float:
        """Normalised surface distance: the share of both surfaces that lies within the tolerance of the other one.

        Returns:
            A value in [0, 1]; 0 if one mask is empty, NaN if both are. A distance counts as within the tolerance up to
            a relative `TOLERANCE_GUARD` above it.

        Raises:
            ValueError: a negative tolerance.

        Source: Nikolov et al., J. Med. Internet Res. 23 (2021) e26151; on counted surface pixels.
        """
        if not tolerance_mm >= 0:
            raise ValueError(f"the tolerance must be 0 mm or more, got {tolerance_mm}")
        limit = tolerance_mm * (1 + TOLERANCE_GUARD)
        near, total = 0, len(self.from_target) + len(self.from_predicted)
        for directed in (self.from_target, self.from_predicted):
            near += int(np.count_nonzero(directed <= limit))
        return near / total if total else float("nan")

    def hd95(self, one_empty_mm: float = float("nan")) -> float:
        """Hausdorff distance at the 95th percentile: the larger of both directed percentiles, in mm.

        Args:
            one_empty_mm: the value where exactly one mask is empty, see `diagonal_mm` for the worst that fits an image.

        Returns:
            A distance; NaN if both masks are empty.
        """
        if not self.from_target.size or not self.from_predicted.size:
            return one_empty_mm if self.from_target.size or self.from_predicted.size else float("nan")
        return max(_percentile_95(self.from_target), _percentile_95(self.from_predicted))

    def assd(self, one_empty_mm: float = float("nan")) -> float:
        """Average symmetric surface distance: the mean over the surface pixels of both masks, in mm.

        Args:
            one_empty_mm: the value where exactly one mask is empty, see `diagonal_mm` for the worst that fits an image.

        Returns:
            A distance; NaN if both masks are empty.

        Source: Heimann et al., IEEE Trans. Med. Imaging 28 (2009) 1251-1265.
        """
        if not self.from_target.size or not self.from_predicted.size:
            return one_empty_mm if self.from_target.size or self.from_predicted.size else float("nan")
        total = float(self.from_target.sum() + self.from_predicted.sum())
        return total / (self.from_target.size + self.from_predicted.size)


@dataclass(frozen=True, slots=True)
class ImagePart:
    """Where in an image a part of it begins, and the shape of the whole."""

    corner: tuple[int, ...]
    shape: tuple[int, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Surface:
    """The surface of one mask, ready to be compared with many others.

    Attributes:
        points_mm: (N, D) centres of its pixels or voxels.
        shape: of the image.
        spacing_mm: pixel or voxel size along each axis.
    """

    points_mm: Distances
    shape: tuple[int, ...]
    spacing_mm: tuple[float, ...]


def surface(mask: Mask, spacing_mm: Sequence[float], part: ImagePart | None = None) -> Surface:
    """The surface of a mask.

    Args:
        mask: (H, W) or (I, J, K) bool.
        spacing_mm: pixel or voxel size along each axis.
        part: of which image the mask is a part that holds all of its foreground, None for the whole image.

    Raises:
        ValueError: the array is not bool, or the spacing does not fit or is not positive.
    """
    if mask.dtype != bool:
        raise ValueError(f"masks must be bool, got {mask.dtype}")
    if len(spacing_mm) != mask.ndim or not all(np.isfinite(size) and size > 0 for size in spacing_mm):
        raise ValueError(f"spacing_mm must be {mask.ndim} positive numbers, got {tuple(spacing_mm)}")
    box = bounding_box(mask)
    image = part or ImagePart((0,) * mask.ndim, mask.shape)
    corner = np.add(image.corner, [side.start for side in box])
    held = tuple(map(as_in_header, spacing_mm))
    points = (np.argwhere(_rim(mask[box])) + corner) * np.asarray(held)
    return Surface(points, image.shape, held)


def as_in_header(size_mm: float) -> float:
    """A spacing as a header of 32-bit floats can hold it, in its shortest decimals: 0.4000000059604645 is 0.4.

    Example:
        >>> as_in_header(0.4000000059604645), as_in_header(1 / 3)
        (0.4, 0.33333334)
    """
    return float(str(np.float32(size_mm)))


def distances(target: Surface, predicted: Surface) -> SurfaceDistances:
    """Distances between two surfaces.

    Raises:
        ValueError: they lie on different grids.
    """
    if (target.shape, target.spacing_mm) != (predicted.shape, predicted.spacing_mm):
        raise ValueError(
            f"target has shape {target.shape} at {target.spacing_mm} mm, predicted {predicted.shape} at "
            f"{predicted.spacing_mm} mm; bring them to one grid"
        )
    one, other = target.points_mm, predicted.points_mm
    if not len(one) or not len(other):
        return SurfaceDistances(np.full(len(one), np.inf), np.full(len(other), np.inf))
    return SurfaceDistances(_nearest(one, other), _nearest(other, one))


def _nearest(points: Distances, others: Distances) -> Distances:
    """Distance of each point to the nearest of the others, in the numbers of `np.linalg.norm`."""
    found: Distances = KDTree(others).query(points)[0]
    return found


def surface_distances(target: Mask, predicted: Mask, spacing_mm: Sequence[float]) -> SurfaceDistances:
    """Distances between the surfaces of two masks on the same grid.

    Args:
        target: (H, W) or (I, J, K) bool, the reference.
        predicted: the same shape, what the model drew.
        spacing_mm: pixel or voxel size along each axis.

    Raises:
        ValueError: the shapes differ, an array is not bool, or the spacing does not fit or is not positive.
    """
    return distances(surface(target, spacing_mm), surface(predicted, spacing_mm))


def diagonal_mm(shape: Sequence[int], spacing_mm: Sequence[float]) -> float:
    """The longest distance between two pixel or voxel centres of an image, in mm."""
    return float(np.linalg.norm((np.asarray(shape) - 1) * np.asarray(spacing_mm)))


def _rim(mask: Mask) -> Mask:
    """Foreground with background, or the end of the array, beside it along some axis."""
    inner = mask.copy()
    for axis in range(mask.ndim):
        kept, whole = inner.swapaxes(0, axis), mask.swapaxes(0, axis)
        kept[1:] &= whole[:-1]
        kept[:-1] &= whole[1:]
        kept[:1] = kept[-1:] = False
    np.logical_not(inner, out=inner)
    inner &= mask
    return inner


def _percentile_95(values: Distances) -> float:
    """`np.percentile` in a fifth of its time, as its checks cost more than the computation for thousands of masks."""
    place = 0.95 * (len(values) - 1)
    low, high = int(place), min(int(place) + 1, len(values) - 1)
    below, above = np.partition(values, (low, high))[[low, high]]
    return float(below + (above - below) * (place - low))
