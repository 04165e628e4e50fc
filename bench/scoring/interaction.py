"""Interactive metrics: clicks needed (NoC), failures (NoF), and the area under the curve."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Scores = NDArray[np.float64]

OBJECT = ["run", "model", "dataset", "patient", "case", "slice", "target", "prompt", "seed"]


def clicks_needed(scores: Scores, threshold: float) -> Scores:
    """NoC: the number of the first round whose score reaches the threshold.

    Args:
        scores: (..., K) the score after 1 to K rounds; NaN (a failed or undefined round) never reaches it.
        threshold: 0.85 for NoC@85.

    Returns:
        (...) K where no round reaches it (count these with `never_reached`); NaN where all rounds are NaN.

    Example:
        >>> clicks_needed(np.array([[0.5, 0.9, 0.8], [0.1, 0.2, 0.3]]), 0.85)
        array([2., 3.])

    Source: Xu et al., CVPR 2016; the cap as in SamsungLabs/ritm_interactive_segmentation.
    """
    reached = _reached(scores, threshold)
    first = np.where(reached.any(axis=-1), reached.argmax(axis=-1) + 1, scores.shape[-1])
    return np.where(np.isnan(scores).all(axis=-1), np.nan, first)


def never_reached(scores: Scores, threshold: float) -> Scores:
    """NoF: 1 where no round reaches the threshold, else 0; its mean is the share of failures.

    An object that is solved in the last round is not a failure (the "≥ K clicks" columns of other code count it as
    one). NaN where all rounds are NaN.
    """
    failed = ~_reached(scores, threshold).any(axis=-1)
    return np.where(np.isnan(scores).all(axis=-1), np.nan, failed)


def click_auc(scores: Scores, before: float | Scores = 0.0) -> Scores:
    """Area under the curve of scores against rounds, by trapezoids, over its width: 1 is perfect from the start.

    Args:
        scores: (..., K) the score after 1 to K rounds.
        before: the score without any prompt, 0 where nothing can be drawn without one.

    Returns:
        (...) in [0, 1]: the mean of (s[k] + s[k + 1]) / 2 with s[0] = `before`; NaN if a round is NaN.

    Example:
        >>> click_auc(np.array([0.5, 1.0]))
        array(0.5)
    """
    start = np.broadcast_to(np.asarray(before, float)[..., None], (*scores.shape[:-1], 1))
    curve = np.concatenate([start, scores], axis=-1)
    return np.asarray((curve[..., :-1] + curve[..., 1:]).mean(axis=-1) / 2)


def interaction_scores(
    records: pd.DataFrame, metric: str = "iou", thresholds: Sequence[int] = (85, 90)
) -> pd.DataFrame:
    """NoC, NoF and AUC of every object that was prompted in rounds, as records.

    Args:
        records: of one or more runs, models and data sets; other metrics and prompts of one round are left out.
        metric: the one compared with the thresholds; the interactive literature uses IoU.
        thresholds: percent.

    Returns:
        Rows like those of `records`, round null: metrics `noc@85`, `nof@85` ..., `<metric>_auc`; where the value is
        NaN the status is "failed" if a round failed, else "undefined".
    """
    chosen = records[records["metric"] == metric]
    curves = chosen.pivot(index=[*OBJECT, "area_px"], columns="round", values="value").sort_index(axis=1)
    prompts = chosen.groupby("prompt")["round"].max()
    curves = curves[curves.index.get_level_values("prompt").isin(prompts.index[prompts > 1])]
    values = curves.to_numpy(float)
    made: dict[str, Scores] = {f"{metric}_auc": click_auc(values)}
    for percent in thresholds:
        made[f"noc@{percent}"] = clicks_needed(values, percent / 100)
        made[f"nof@{percent}"] = never_reached(values, percent / 100)
    table = pd.DataFrame(made, index=curves.index).reset_index()
    rows = table.melt([*OBJECT, "area_px"], var_name="metric", value_name="value")
    failed = set(map(tuple, chosen.loc[chosen["status"] == "failed", OBJECT].to_numpy().tolist()))
    reasons = ["failed" if tuple(key) in failed else "undefined" for key in rows[OBJECT].to_numpy().tolist()]
    rows["status"] = np.where(rows["value"].isna(), reasons, "ok")
    return rows.reindex(columns=list(records.columns)).astype({"round": "Int64", "slice": "Int64"})


def _reached(scores: Scores, threshold: float) -> NDArray[np.bool_]:
    if scores.ndim < 1 or not scores.shape[-1]:
        raise ValueError(f"scores need at least one round along their last axis, got shape {scores.shape}")
    return scores >= threshold
