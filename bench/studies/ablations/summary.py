"""From trainings to numbers: means over seeds with intervals, differences, and verdicts on claims."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from scipy import stats

MEAN = "Mean"
LEVEL = 0.95
WIDEST = 5.0  # Dice points, from end to end of an interval that more trainings should narrow
FEWEST_SEEDS = 3

VerdictOutcome = Literal["shows", "does not show", "not testable"]


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean over n seeds with its 95 % interval (Student's t, seeds being all that varies); NaN for one seed."""

    mean: float
    low: float
    high: float
    n: int

    def text(self) -> str:
        """Two decimals, the interval in brackets.

        >>> Interval(1.25, 1, 1.5, 3).text(), Interval(1, float("nan"), float("nan"), 1).text()
        ('1.25 [1.00, 1.50]', '1.00')
        """
        return f"{self.mean:.2f}" if np.isnan(self.low) else f"{self.mean:.2f} [{self.low:.2f}, {self.high:.2f}]"

    def signed(self) -> str:
        """The same with signs, for a difference."""
        return f"{self.mean:+.2f}" if np.isnan(self.low) else f"{self.mean:+.2f} [{self.low:+.2f}, {self.high:+.2f}]"


@dataclass(frozen=True, slots=True)
class AblationVerdict:
    """Whether our trainings support a claim of the paper."""

    claim: str
    outcome: VerdictOutcome
    why: str

    def text(self) -> str:
        """One line: "4:1 is best: does not show here (...)"."""
        here = "" if self.outcome == "not testable" else " here"
        return f"{self.claim}: {self.outcome}{here} ({self.why})"


def interval(values: Sequence[float]) -> Interval:
    """The interval of the mean over seeds, given one value per seed.

    >>> interval([1.0, 2.0, 3.0]).text()
    '2.00 [-0.48, 4.48]'
    """
    array = np.asarray(values, float)
    mean, n = float(array.mean()), len(array)
    if n < 2:
        return Interval(mean, float("nan"), float("nan"), n)
    reach = float(stats.t.ppf((1 + LEVEL) / 2, n - 1) * array.std(ddof=1) / np.sqrt(n))
    return Interval(mean, mean - reach, mean + reach, n)


def trainings_needed(values: Sequence[float], most: int) -> int:
    """How many trainings narrow the interval of their mean to `WIDEST` points, if their spread stays as it is.

    Args:
        values: one per training there is; of a single one, whose spread is unknown, no more are asked for.
        most: the answer is at most this, or the number of values if that is larger.

    >>> trainings_needed([70.0, 71.0, 72.0], 8), trainings_needed([68.0, 71.0, 74.0], 8), trainings_needed([70.0], 8)
    (3, 8, 1)
    """
    counts = np.arange(len(values), max(most, len(values)) + 1)
    if len(values) < 2:
        return len(values)
    widths = 2 * stats.t.ppf((1 + LEVEL) / 2, counts - 1) * np.std(values, ddof=1) / np.sqrt(counts)
    narrow = counts[widths <= WIDEST]
    return int(narrow[0] if len(narrow) else counts[-1])


def trainings(*tables: pd.DataFrame) -> str:
    """How many trainings the variants of some tables of `by_seed` have: "3 trainings", "3 to 8 trainings"."""
    counts = [int(count) for values in tables for count in values.groupby(level="variant").size()]
    fewest, most = min(counts), max(counts)
    number = f"{most}" if fewest == most else f"{fewest} to {most}"
    return f"{number} training{'s' if most > 1 else ''}"


def by_seed(records: pd.DataFrame, average: Callable[[pd.DataFrame], "pd.Series[float]"]) -> pd.DataFrame:
    """Percent by (variant, seed) in rows and data set in columns, the last one `MEAN` over the data sets.

    Args:
        records: of one suite, see `bench.studies.ablations.training.records`.
        average: maps the records of one training to its Dice by data set.
    """
    groups = records.groupby(["variant", "seed"], sort=True)
    table = pd.DataFrame({key: average(part) for key, part in groups}).T
    table.index.names = ["variant", "seed"]
    return table.assign(**{MEAN: table.mean(axis=1)})


def intervals(values: pd.DataFrame) -> pd.DataFrame:
    """`Interval` by variant and data set."""
    groups = {variant: part for variant, part in values.groupby(level="variant")}
    rows = {variant: {name: interval(part[name].to_list()) for name in values} for variant, part in groups.items()}
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("variant")


def difference(values: pd.DataFrame, first: int, second: int, column: str = MEAN) -> Interval:
    """First less second variant, with Welch's interval; `n` is the smaller number of trainings.

    Trainings of one seed see the same pictures in the same order, which this interval does not use; it is rather too
    wide than too narrow.

    Source: Welch, Biometrika 34 (1947) 28-35.
    """
    ones, others = (values.xs(variant)[column].to_numpy(float) for variant in (first, second))
    mean, n = float(ones.mean() - others.mean()), min(len(ones), len(others))
    if n < 2:
        return Interval(mean, float("nan"), float("nan"), n)
    errors = np.array([part.var(ddof=1) / len(part) for part in (ones, others)])
    if not errors.any():
        return Interval(mean, mean, mean, n)
    freedom = errors.sum() ** 2 / (errors**2 / [len(ones) - 1, len(others) - 1]).sum()
    reach = float(stats.t.ppf((1 + LEVEL) / 2, freedom) * np.sqrt(errors.sum()))
    return Interval(mean, mean - reach, mean + reach, n)


def is_best(
    claim: str, values: pd.DataFrame, names: Sequence[str], wanted: int, rivals: Sequence[int]
) -> AblationVerdict:
    """Whether a variant's mean over data sets exceeds that of each rival by more than seeds explain."""
    gaps = {rival: difference(values, wanted, rival) for rival in rivals}
    worst = min(gaps, key=lambda rival: gaps[rival].mean)
    gap, rival = gaps[worst], names[worst]
    facts = (
        f"{names[wanted]} less {rival}, the best other: {gap.signed()} Dice points, {gap.n} trainings or more of each"
    )
    if gap.n < FEWEST_SEEDS:
        return AblationVerdict(claim, "not testable", f"{FEWEST_SEEDS} trainings of each are needed; {facts}")
    if gap.mean <= 0:
        return AblationVerdict(claim, "does not show", facts)
    unclear = [names[other] for other, found in gaps.items() if not found.low > 0]
    if unclear:
        return AblationVerdict(
            claim, "does not show", f"highest, but not beyond chance of {', '.join(unclear)}; {facts}"
        )
    return AblationVerdict(claim, "shows", facts)


def gains(claim: str, gap: Interval, least: float = 0.0) -> AblationVerdict:
    """Whether a difference is above `least` by more than seeds explain."""
    facts = f"{gap.signed()} Dice points, {gap.n} trainings or more of each"
    if gap.n < FEWEST_SEEDS:
        return AblationVerdict(claim, "not testable", f"{FEWEST_SEEDS} trainings of each are needed; {facts}")
    return AblationVerdict(claim, "shows" if gap.low > least else "does not show", facts)
