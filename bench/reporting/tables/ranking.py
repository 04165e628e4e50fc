"""Who is ahead and how sure that is: each model against a reference, with intervals, ranks, groups and tests."""

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from bench.reporting.tables.table import number
from bench.reporting.tables.text_table import TextTable
from bench.scoring.metrics import Metric
from bench.statistics.bootstrap import BEST, compare, frames
from bench.statistics.patients import PatientScores

HEADS = (
    "data set", "model", "Average", "rank", "group", "difference", "p", "p (Holm)", "wins", "ties", "patients",
)  # fmt: skip
SIGNIFICANT = 0.05
LEGEND = (
    "Average and difference with 95 % intervals (bootstrap over patients, 10,000 draws, the same for all models). "
    "rank: 1 is best, with the middle 95 % of its draws. group: two models that share a letter are not told apart, "
    "the interval of their difference holds 0. difference: to the reference, on the same patients. p: Wilcoxon "
    "signed-rank test over patients (Pratt); p (Holm): adjusted for all differences of the table. wins, ties: share of "
    "patients where the model scores better than the reference, and the same. patients: with scores of both."
)


def ranking(
    name: str, caption: str, scores: Mapping[str, PatientScores], metric: Metric, reference: str | None = None
) -> TextTable:
    """All models on every data set, the best first.

    Args:
        name: file stem.
        caption: what was measured; the legend of the columns is added.
        scores: data set to its scores.
        metric: what the scores are.
        reference: model to compare with; None: the best of each data set.

    Raises:
        ValueError: the reference has no scores.
    """
    made = compare(scores, reference or BEST, metric.higher_is_better is not False)
    frame = _joined(*frames(made))
    against = (
        f"Reference: {reference}."
        if reference
        else "Reference: the best model of each data set; chosen by the same data, it looks a little too good."
    )
    rows = [_row(row, metric) for row in frame.to_dict("records")]
    return TextTable(name, f"{caption} {against} {LEGEND}", HEADS, rows, frame, _floor(frame["patients"].dropna()))


def _floor(patients: "pd.Series[float]") -> list[str]:
    """A note where the test could not speak even if every patient agreed: n of one sign give p = 2 / 2^n."""
    tests = len(patients)
    lowest = min(1.0, tests * 2 / 2 ** patients.min()) if tests else 0.0
    if lowest <= SIGNIFICANT:
        return []
    return [
        f"with {patients.min():.0f} patients and {tests} differences no p (Holm) can be below {lowest:.2g}, whatever "
        "the scores: only the intervals tell"
    ]


def _joined(estimates: pd.DataFrame, differences: pd.DataFrame) -> pd.DataFrame:
    """One row per data set and model, by rank; the reference's own differences are empty."""
    renamed = differences.rename(
        columns={"one": "model", "other": "reference", "low": "delta_low", "high": "delta_high"}
    )
    frame = estimates.merge(renamed, how="left", on=["dataset", "model"])
    parts = [part.sort_values(["rank", "model"]) for _, part in frame.groupby("dataset", sort=False)]
    return pd.concat(parts, ignore_index=True)


def _row(row: Mapping[Hashable, Any], metric: Metric) -> Sequence[str]:
    value = {str(name): float(row[name]) for name in row if isinstance(row[name], (int, float))}
    head = [str(row["dataset"]), str(row["model"]), _with_limits(value, ("value", "low", "high"), metric)]
    if np.isnan(value["rank"]):
        return [*head, *["-"] * 8]
    head += [_rank(value), str(row["group"])]
    if np.isnan(value["patients"]):
        return [*head, "reference", *["-"] * 5]
    shares = [f"{100 * value[name]:.0f} %" for name in ("wins", "ties")]
    delta = _with_limits(value, ("delta", "delta_low", "delta_high"), metric, signed=True)
    return [*head, delta, _p(value["p"]), _p(value["p_holm"]), *shares, f"{value['patients']:.0f}"]


def _rank(value: Mapping[str, float]) -> str:
    low, high = value["rank_low"], value["rank_high"]
    return f"{value['rank']:.0f}" + ("" if np.isnan(low) else f" [{low:.0f}, {high:.0f}]")


def _with_limits(value: Mapping[str, float], names: tuple[str, str, str], metric: Metric, signed: bool = False) -> str:
    middle, low, high = (number(value[name], metric) for name in names)
    if "-" in (middle, low):
        return middle if middle == "-" else f"{_sign(middle, signed)} [-]"
    return f"{_sign(middle, signed)} [{_sign(low, signed)}, {_sign(high, signed)}]"


def _sign(text: str, signed: bool) -> str:
    return text if not signed or text.startswith("-") else f"+{text}"


def _p(value: float) -> str:
    return "-" if np.isnan(value) else "< 0.001" if value < 0.001 else f"{value:.3f}"
