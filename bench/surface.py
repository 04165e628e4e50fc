"""Distances between the surfaces of two masks, computed once a pair; NSD and HD95 are read off them.

The surface of a mask is what erosion with the 4-neighbourhood (2-D) or 6-neighbourhood (3-D) takes away, as in MONAI;
what lies outside the image is background. Every surface pixel or voxel counts once (google-deepmind/surface-distance
weights them by surface area instead, so its values differ slightly).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import binary_erosion
from scipy.spatial import cKDTree

from bench.cases import Mask

Distances = NDArray[np.float64]


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
            A value in [0, 1]; 0 if one mask is empty, NaN if both are.

        Raises:
            ValueError: a negative tolerance.

        Source: Nikolov et al., J. Med. Internet Res. 23 (2021) e26151; on counted surface pixels.
        """
        if not tolerance_mm >= 0:
            raise ValueError(f"the tolerance must be 0 mm or more, got {tolerance_mm}")
        distances = np.concatenate([self.from_target, self.from_predicted])
        return float(np.mean(distances <= tolerance_mm)) if distances.size else float("nan")

    def hd95(self, one_empty_mm: float = float("nan")) -> float:
        """Hausdorff distance at the 95th percentile: the larger of both directed percentiles, in mm.

        Args:
            one_empty_mm: the value where exactly one mask is empty, see `diagonal_mm` for the worst that fits an image.

        Returns:
            A distance; NaN if both masks are empty.
        """
        if not self.from_target.size or not self.from_predicted.size:
            return one_empty_mm if self.from_target.size or self.from_predicted.size else float("nan")
        return float(max(np.percentile(self.from_target, 95), np.percentile(self.from_predicted, 95)))


def surface_distances(target: Mask, predicted: Mask, spacing_mm: Sequence[float]) -> SurfaceDistances:
    """Distances between the surfaces of two masks on the same grid.

    Args:
        target: (H, W) or (I, J, K) bool, the reference.
        predicted: the same shape, what the model drew.
        spacing_mm: pixel or voxel size along each axis.

    Raises:
        ValueError: the shapes differ, an array is not bool, or the spacing does not fit or is not positive.
    """
    _check(target, predicted, spacing_mm)
    box = _box(target | predicted)
    points = [_surface(mask[box]) * np.asarray(spacing_mm, float) for mask in (target, predicted)]
    return SurfaceDistances(_nearest(points[0], points[1]), _nearest(points[1], points[0]))


def diagonal_mm(shape: Sequence[int], spacing_mm: Sequence[float]) -> float:
    """The longest distance between two pixel or voxel centres of an image, in mm."""
    return float(np.linalg.norm((np.asarray(shape) - 1) * np.asarray(spacing_mm)))


def _check(target: Mask, predicted: Mask, spacing_mm: Sequence[float]) -> None:
    if target.shape != predicted.shape:
        raise ValueError(f"target has shape {target.shape}, predicted {predicted.shape}; bring them to one grid")
    if target.dtype != bool or predicted.dtype != bool:
        raise ValueError(f"masks must be bool, got {target.dtype} and {predicted.dtype}")
    if len(spacing_mm) != target.ndim or not all(np.isfinite(size) and size > 0 for size in spacing_mm):
        raise ValueError(f"spacing_mm must be {target.ndim} positive numbers, got {tuple(spacing_mm)}")


def _box(mask: Mask) -> tuple[slice, ...]:
    axes = range(mask.ndim)
    rims = [np.flatnonzero(mask.any(axis=tuple(a for a in axes if a != axis))) for axis in axes]
    return tuple(slice(rim[0], rim[-1] + 1) if rim.size else slice(0) for rim in rims)


def _surface(mask: Mask) -> NDArray[np.intp]:
    return np.argwhere(mask & ~binary_erosion(mask))


def _nearest(points: Distances, others: Distances) -> Distances:
    if not len(points) or not len(others):
        return np.full(len(points), np.inf)
    distances, _ = cKDTree(others).query(points)
    return np.asarray(distances)
