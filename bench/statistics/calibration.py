"""Calibration: predicted scores against true overlaps, and the regret of choosing candidates by predicted score."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import spearmanr

Values = NDArray[np.float64]

PREDICTED = "predicted_iou"  # the metric's name in the records
PAIR = ["run", "model", "dataset", "patient", "case", "slice", "target", "prompt", "round", "seed"]


@dataclass(frozen=True, slots=True, eq=False)
class Calibration:
    """Reliability of predicted scores.

    Attributes:
        edges: (B + 1,) of the bins of the predicted score; scores outside 0..1 (SAM's may exceed 1) fall into the first
            or the last bin.
        predicted, true: (B,) mean predicted score and mean true overlap of each bin, NaN where it is empty.
        counts: (B,) predictions in each bin.
        left_out: predictions without a score or without a defined overlap.
        spearman: rank correlation of score and overlap, NaN with fewer than two different values of either.
    """

    edges: Values
    predicted: Values
    true: Values
    counts: NDArray[np.int64]
    left_out: int
    spearman: float

    @property
    def ece(self) -> float:
        """Expected calibration error: mean of |true - predicted| over bins, weighted by counts; NaN if there are none.

        Source: Naeini et al., AAAI 2015, with overlap in place of accuracy.
        """
        if not self.counts.sum():
            return float("nan")
        return float(np.nansum(np.abs(self.true - self.predicted) * self.counts) / self.counts.sum())

    @property
    def bias(self) -> float:
        """Mean predicted score minus mean true overlap: positive if the model is overconfident."""
        if not self.counts.sum():
            return float("nan")
        return float(np.nansum((self.predicted - self.true) * self.counts) / self.counts.sum())


def calibration(predicted: Values, true: Values, bins: int = 10) -> Calibration:
    """Compare predicted scores with true overlaps.

    Args:
        predicted: (N,) the model's own scores, NaN where it has none.
        true: (N,) what they predict (IoU for the SAM family), NaN where undefined.
        bins: of equal width.

    Raises:
        ValueError: the shapes differ, or no bins.
    """
    if predicted.shape != true.shape or predicted.ndim != 1:
        raise ValueError(f"predicted and true must both be (N,), got {predicted.shape} and {true.shape}")
    if bins < 1:
        raise ValueError(f"bins must be 1 or more, got {bins}")
    kept = np.isfinite(predicted) & np.isfinite(true)
    scores, overlaps = predicted[kept], true[kept]
    place = np.clip((scores * bins).astype(int), 0, bins - 1)
    counts = np.bincount(place, minlength=bins)
    with np.errstate(invalid="ignore"):
        mean_score, mean_overlap = (np.bincount(place, values, bins) / counts for values in (scores, overlaps))
    left_out = int((~kept).sum())
    edges, spearman = np.linspace(0, 1, bins + 1), _spearman(scores, overlaps)
    return Calibration(edges, mean_score, mean_overlap, counts, left_out, spearman)


def regret(overlaps: Values, scores: Values) -> Values:
    """The overlap lost by choosing the candidate with the best predicted score instead of the best one (an oracle).

    Args:
        overlaps: (N, C) true overlap of each candidate, NaN where a prompt has fewer candidates.
        scores: (N, C) predicted scores, NaN in the same places.

    Returns:
        (N,) best overlap minus that of the best-scored candidate, 0 or more; NaN where there is no candidate.

    Example:
        >>> regret(np.array([[0.5, 0.8]]), np.array([[0.9, 0.7]])).round(6)
        array([0.3])
    """
    if overlaps.shape != scores.shape or overlaps.ndim != 2:
        raise ValueError(f"overlaps and scores must both be (N, C), got {overlaps.shape} and {scores.shape}")
    usable = np.isfinite(overlaps) & np.isfinite(scores)
    chosen = np.where(usable, scores, -np.inf).argmax(axis=1)
    best = np.where(usable, overlaps, -np.inf).max(axis=1)
    difference = best - np.take_along_axis(overlaps, chosen[:, None], axis=1)[:, 0]
    return np.where(usable.any(axis=1), difference, np.nan)


def calibrations(records: pd.DataFrame, true: str = "iou", bins: int = 10) -> dict[tuple[str, str, str], Calibration]:
    """Calibration of every model, by (data set, model, prompt).

    Args:
        records: with the metrics `predicted_iou` and `true`, one row per prediction each; all rounds are pooled.
        true: metric that the score predicts.
        bins: of equal width.
    """
    chosen = records[records["metric"].isin([PREDICTED, true])]
    wide = chosen.pivot(index=PAIR, columns="metric", values="value").reindex(columns=[PREDICTED, true]).astype(float)
    wide = wide[wide[PREDICTED].notna().groupby(level=["dataset", "model", "prompt"]).transform("any")]
    return {
        (str(dataset), str(model), str(prompt)): calibration(part[PREDICTED].to_numpy(), part[true].to_numpy(), bins)
        for (dataset, model, prompt), part in wide.groupby(level=["dataset", "model", "prompt"])
    }


def _spearman(one: Values, other: Values) -> float:
    if len(np.unique(one)) < 2 or len(np.unique(other)) < 2:
        return float("nan")
    return float(spearmanr(one, other).statistic)
