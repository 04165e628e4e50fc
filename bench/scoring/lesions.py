"""Lesion by lesion: which lesions were found, which were invented, and how well the found ones were drawn."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.data.bounding_box import bounding_box
from bench.data.case import Mask
from bench.data.components import Components, components
from bench.scoring.matching import MatchingRule
from bench.scoring.surface import surface_distances

Counts = NDArray[np.int64]


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


@dataclass(frozen=True, slots=True, eq=False)
class LesionPairs:
    """The N lesions of a target and the M components of a prediction, and what they have in common.

    Attributes:
        target, predicted: labels 1..N and 1..M on a part of the image that holds both.
        target_voxels, predicted_voxels: (N,) and (M,) sizes.
        common: (N, M) voxels that a lesion and a component share.
    """

    target: Components
    predicted: Components
    target_voxels: Counts
    predicted_voxels: Counts
    common: Counts

    @property
    def counts(self) -> LesionCounts:
        """Lesions found, missed and invented; one common voxel is enough for a lesion to be found.

        Source: the rule of ISLES 2022 (ezequieldlrosa/isles22, `compute_lesion_f1_score`), whose F1 is 1 instead of
        NaN where both masks are empty.
        """
        touched, confirmed = (int(np.count_nonzero(self.common.any(axis))) for axis in (1, 0))
        return LesionCounts(touched, len(self.target_voxels) - touched, len(self.predicted_voxels) - confirmed)

    @property
    def count_difference(self) -> int:
        """How many components the prediction has more or less than the target, without sign.

        Source: ISLES 2022 (ezequieldlrosa/isles22, `compute_absolute_lesion_difference`).
        """
        return abs(len(self.target_voxels) - len(self.predicted_voxels))

    @property
    def sensitivity(self) -> NDArray[np.float64]:
        """(N,) the share of each lesion that the prediction covers, in [0, 1]."""
        found: NDArray[np.float64] = self.common.sum(1) / self.target_voxels
        return found

    @property
    def ppv(self) -> NDArray[np.float64]:
        """(N,) the share of all components that touch a lesion which lies within it; NaN if none does."""
        touching = (self.common > 0) @ self.predicted_voxels
        found = np.full(len(touching), np.nan)
        np.divide(self.common.sum(1), touching, out=found, where=touching > 0)
        return found


def lesion_pairs(target: Mask, predicted: Mask) -> LesionPairs:
    """Compare two masks component by component, in the full neighbourhood (8 neighbours in 2-D, 26 in 3-D).

    Args:
        target: (H, W) or (I, J, K) bool, the reference.
        predicted: the same shape, what the model drew.

    Raises:
        ValueError: the shapes differ, an array is not bool, or does not have 2 or 3 axes.
    """
    if target.shape != predicted.shape or target.ndim not in (2, 3):
        raise ValueError(f"masks must have one 2-D or 3-D shape, got {target.shape} and {predicted.shape}")
    if target.dtype != bool or predicted.dtype != bool:
        raise ValueError(f"masks must be bool, got {target.dtype} and {predicted.dtype}")
    box = bounding_box(target | predicted)
    (one, lesions), (other, found) = (components(mask[box]) for mask in (target, predicted))
    numbers = one.ravel() * np.int64(found + 1) + other.ravel()
    together = np.bincount(numbers, minlength=(lesions + 1) * (found + 1)).reshape(lesions + 1, found + 1)
    return LesionPairs(one, other, together.sum(1)[1:], together.sum(0)[1:], together[1:, 1:])


def matched(pairs: LesionPairs, rule: MatchingRule) -> list[tuple[int, int]]:
    """Indices of lesions and of the components matched with them, at most one each."""
    from scipy.optimize import linear_sum_assignment  # noqa: PLC0415 - slow to load, and a finished run needs none of it

    overlap = _dice(pairs) if rule.overlap == "dice" else _iou(pairs)
    allowed = (pairs.common > 0) & (overlap >= rule.least)
    if rule.assigned == "best total":
        lesions, components = linear_sum_assignment(np.where(allowed, overlap, 0.0), maximize=True)
        return [(n, m) for n, m in zip(lesions.tolist(), components.tolist(), strict=True) if allowed[n, m]]
    found: list[tuple[int, int]] = []
    for place in np.argsort(-overlap, axis=None, kind="stable").tolist():
        n, m = divmod(place, overlap.shape[1])
        if allowed[n, m] and all(n != taken and m != other for taken, other in found):
            found.append((n, m))
    return found


def lesionwise_dice(pairs: LesionPairs, rule: MatchingRule) -> float:
    """The mean Dice of matched lesions under a rule, in [0, 1]; NaN if both masks are empty."""
    dice = _dice(pairs)
    return _averaged([float(dice[n, m]) for n, m in matched(pairs, rule)], pairs, rule)


def lesionwise_nsd(pairs: LesionPairs, rule: MatchingRule, tolerance_mm: float, spacing_mm: Sequence[float]) -> float:
    """The mean normalised surface distance of matched lesions under a rule, in [0, 1]; NaN if both masks are empty."""
    values = [
        surface_distances(pairs.target == n + 1, pairs.predicted == m + 1, spacing_mm).nsd(tolerance_mm)
        for n, m in matched(pairs, rule)
    ]
    return _averaged(values, pairs, rule)


def _averaged(values: Sequence[float], pairs: LesionPairs, rule: MatchingRule) -> float:
    lesions, components = pairs.common.shape
    if not lesions and not components:
        return float("nan")
    return sum(values) / ((lesions + components - len(values)) if rule.unmatched else max(len(values), 1))


def _dice(pairs: LesionPairs) -> NDArray[np.float64]:
    return 2 * pairs.common / (pairs.target_voxels[:, None] + pairs.predicted_voxels)


def _iou(pairs: LesionPairs) -> NDArray[np.float64]:
    return pairs.common / (pairs.target_voxels[:, None] + pairs.predicted_voxels - pairs.common)
