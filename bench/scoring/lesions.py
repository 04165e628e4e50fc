"""Lesion-wise detection: which lesions were found and which were invented, whatever their size."""

from dataclasses import dataclass

import cc3d
import numpy as np

from bench.data.bounding_box import bounding_box
from bench.data.case import Mask


@dataclass(frozen=True, slots=True)
class LesionCounts:
    """Connected components of a target and a prediction.

    Attributes:
        found: lesions of the target that the prediction touches (true positives).
        missed: lesions of the target that it does not touch (false negatives).
        invented: components of the prediction that touch no lesion (false positives).
    """

    found: int
    missed: int
    invented: int

    @property
    def f1(self) -> float:
        """Harmonic mean of lesion-wise sensitivity and precision, in [0, 1]; NaN if both masks are empty.

        Example:
            >>> LesionCounts(found=2, missed=1, invented=1).f1
            0.6666666666666666
        """
        total = 2 * self.found + self.missed + self.invented
        return 2 * self.found / total if total else float("nan")

    @property
    def count_difference(self) -> int:
        """Lesions missed minus components invented: positive if too few were predicted."""
        return self.missed - self.invented


def lesion_counts(target: Mask, predicted: Mask) -> LesionCounts:
    """Compare two masks lesion by lesion.

    A lesion is a component in the full neighbourhood (8 neighbours in 2-D, 26 in 3-D); one common pixel or voxel is
    enough for it to be found.

    Args:
        target: (H, W) or (I, J, K) bool, the reference.
        predicted: the same shape, what the model drew.

    Raises:
        ValueError: the shapes differ, an array is not bool, or does not have 2 or 3 axes.

    Source: the rule of ISLES 2022 (ezequieldlrosa/isles22, `compute_lesion_f1_score`), which gives 1 instead of NaN
    where both masks are empty.
    """
    if target.shape != predicted.shape or target.ndim not in (2, 3):
        raise ValueError(f"masks must have one 2-D or 3-D shape, got {target.shape} and {predicted.shape}")
    if target.dtype != bool or predicted.dtype != bool:
        raise ValueError(f"masks must be bool, got {target.dtype} and {predicted.dtype}")
    lesions, touched = _touched(target, predicted)
    components, confirmed = _touched(predicted, target)
    return LesionCounts(touched, lesions - touched, components - confirmed)


def _touched(mask: Mask, other: Mask) -> tuple[int, int]:
    """How many components a mask has, and how many of them share a pixel with the other mask."""
    box = bounding_box(mask)
    part = np.ascontiguousarray(mask[box])
    if not part.size:
        return 0, 0
    labels, count = cc3d.connected_components(part, connectivity=8 if mask.ndim == 2 else 26, return_N=True)
    return count, len(np.unique(labels[part & other[box]]))
