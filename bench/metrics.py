"""Overlap of masks, from the three areas that are counted once a pair."""

from dataclasses import dataclass

import numpy as np

from bench.cases import Mask


@dataclass(frozen=True, slots=True)
class Areas:
    """Pixel (or voxel) counts of a pair of masks; sums over slices give a volume's.

    Attributes:
        target, predicted, common: foreground of the target, of the prediction, of both.
    """

    target: int
    predicted: int
    common: int

    def __add__(self, other: "Areas") -> "Areas":
        return Areas(self.target + other.target, self.predicted + other.predicted, self.common + other.common)


def areas(target: Mask, predicted: Mask) -> Areas:
    """Count the foreground of two masks on the same grid.

    Args:
        target: (...) bool, the reference.
        predicted: (...) bool, what the model drew.

    Raises:
        ValueError: the shapes differ, or an array is not bool.
    """
    if target.shape != predicted.shape:
        raise ValueError(f"target has shape {target.shape}, predicted {predicted.shape}; bring them to one grid")
    if target.dtype != bool or predicted.dtype != bool:
        raise ValueError(f"masks must be bool, got {target.dtype} and {predicted.dtype}")
    return Areas(*(int(np.count_nonzero(mask)) for mask in (target, predicted, target & predicted)))


def dice(areas: Areas) -> float:
    """Twice the common area over the sum of both areas.

    Returns:
        A value in [0, 1]; NaN if both masks are empty: nothing was to be found and nothing was.

    Example:
        >>> dice(Areas(target=2, predicted=1, common=1))
        0.6666666666666666
        >>> dice(Areas(0, 0, 0))
        nan

    Source: Dice, Ecology 26 (1945) 297-302; NaN for two empty masks as in google-deepmind/surface-distance.
    """
    total = areas.target + areas.predicted
    return 2 * areas.common / total if total else float("nan")


def iou(areas: Areas) -> float:
    """The common area over the area of the union.

    Returns:
        A value in [0, 1]; NaN if both masks are empty.

    Example:
        >>> iou(Areas(target=2, predicted=1, common=1))
        0.5

    Source: Jaccard, Bull. Soc. Vaud. Sci. Nat. 37 (1901) 547-579.
    """
    union = areas.target + areas.predicted - areas.common
    return areas.common / union if union else float("nan")


OVERLAPS = {"dice": dice, "iou": iou}
