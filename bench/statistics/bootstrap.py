"""Uncertainty of comparisons: intervals, paired differences, tests and ranks, with the patient as the unit.

Slices and classes of one patient are not independent, so whole patients are resampled, and all models share the same
draws.
"""

import string
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import combinations
from typing import Literal

import numpy as np
import pandas as pd
import scipy  # its parts load at their first use: a table with intervals needs `special`, tests need `stats`

from bench.statistics.patients import Array, PatientScores

DRAWS = 10_000
LEVEL = 0.95
BEST = "best"  # as the reference of a comparison: the best model of each data set


@lru_cache(maxsize=4)
def resample(patients: int, draws: int = DRAWS, seed: int = 0) -> Array:
    """(B, P) how often each patient is drawn, with replacement; a function of the arguments only.

    Used for all models and rows of a data set, so that their draws are the same.

    Source: the cluster bootstrap, Davison and Hinkley, Bootstrap Methods and their Application (1997), section 3.8.
    """
    drawn = np.random.default_rng([seed, patients]).integers(0, patients, (draws, patients))
    flat = (drawn + patients * np.arange(draws)[:, None]).ravel()
    weights = np.bincount(flat, minlength=draws * patients).reshape(draws, patients).astype(float)
    weights.setflags(write=False)  # kept for the next table of the same patients
    return weights


def interval(samples: Array, patients: int, level: float = LEVEL) -> tuple[Array, Array]:
    """Lower and upper limits of bootstrapped values, along the first axis.

    Percentiles, widened for few patients as a t interval is (by 1 % of its width at 100 patients, 11 % at 10). NaN with
    fewer than two patients, and where no draw has a value.

    Args:
        samples: (B, ...) values of B draws; NaN draws are left out.
        patients: how many were drawn from.
        level: confidence level.

    Source: the expanded percentile interval of Hesterberg, The American Statistician 69 (2015) 371-386.
    """
    if patients < 2:
        return np.full(samples.shape[1:], np.nan), np.full(samples.shape[1:], np.nan)
    wide = np.sqrt(patients / (patients - 1)) * scipy.special.stdtrit(patients - 1, (1 + level) / 2)
    tail = scipy.special.ndtr(-wide)
    low, high = _nanquantile(samples, (tail, 1 - tail))
    return low, high


def holm(p: Sequence[float]) -> Array:
    """p-values adjusted for their number; NaN stays NaN and is not counted.

    Example:
        >>> holm([0.01, 0.04, 0.03])
        array([0.03, 0.06, 0.06])

    Source: Holm, Scandinavian Journal of Statistics 6 (1979) 65-70.
    """
    values = np.asarray(p, float)
    order = np.argsort(values)[: np.count_nonzero(~np.isnan(values))]
    steps = values[order] * np.arange(len(order), 0, -1)
    adjusted = np.full(len(values), np.nan)
    adjusted[order] = np.minimum(1, np.maximum.accumulate(steps))
    return adjusted


def wilcoxon(differences: Array) -> float:
    """Two-sided p-value of the signed-rank test; 1 if all differences are zero, NaN if there are none.

    Source: Wilcoxon, Biometrics 1 (1945) 80-83; zeros (ranked, then left out) as in Pratt, JASA 54 (1959)
    655-667.
    """
    known = differences[~np.isnan(differences)]
    if not known.any():
        return 1.0 if known.size else float("nan")
    return float(scipy.stats.wilcoxon(known, zero_method="pratt").pvalue)


def limits(scores: PatientScores, draws: int = DRAWS, seed: int = 0) -> tuple[Array, Array]:
    """(L, M) lower and upper limits of every value of a table, rows and Average; see `interval`."""
    patients = len(scores.patients)
    return interval(scores.means(resample(patients, draws, seed)), patients)


@dataclass(frozen=True, slots=True)
class Estimate:
    """One model's Average.

    Attributes:
        value, low, high: in the metric's unit; NaN if undefined.
        rank, rank_low, rank_high: 1 is best; the interval is that of the draws. NaN if undefined.
        group: letters; two models that share one are not distinguished. Empty if undefined.
    """

    model: str
    value: float
    low: float
    high: float
    rank: float
    rank_low: float
    rank_high: float
    group: str


@dataclass(frozen=True, slots=True)
class Difference:
    """Model `one` against model `other` on the same patients.

    Attributes:
        delta, low, high: difference of their Averages with its interval.
        p, p_holm: signed-rank test over patients, unadjusted and adjusted for all comparisons of the table.
        wins, ties: share of patients where `one` scores better, and where both score the same.
        patients: how many have both scores; `left_out`: how many do not.
    """

    one: str
    other: str
    delta: float
    low: float
    high: float
    p: float
    p_holm: float
    wins: float
    ties: float
    patients: int
    left_out: int


@dataclass(frozen=True, slots=True)
class Comparison:
    """All models on one data set.

    Attributes:
        low, high: (L, M) limits of every value of the table, rows and Average.
        estimates: of the Averages, in the order of the models.
        differences: of all pairs, or of all models against the reference.
    """

    low: Array
    high: Array
    estimates: Sequence[Estimate]
    differences: Sequence[Difference]


def compare(
    tables: Mapping[str, PatientScores],
    reference: str | None = None,
    higher_is_better: bool = True,
    draws: int = DRAWS,
    seed: int = 0,
) -> dict[str, Comparison]:
    """Compare all models on every data set of a table.

    Args:
        tables: data set to its scores.
        reference: compare with this model only, or with the `BEST` of each data set; None: every pair.
        higher_is_better: False for distances.
        draws, seed: of the bootstrap.

    Returns:
        Data set to its comparison. `p_holm` is adjusted for all differences of all data sets together.
    """
    found = {name: _compare(scores, reference, higher_is_better, draws, seed) for name, scores in tables.items()}
    adjusted = iter(holm([d.p for one in found.values() for d in one.differences]).tolist())
    return {
        name: replace(one, differences=[replace(d, p_holm=next(adjusted)) for d in one.differences])
        for name, one in found.items()
    }


def _compare(scores: PatientScores, reference: str | None, higher_is_better: bool, draws: int, seed: int) -> Comparison:
    models, patients = list(scores.models), len(scores.patients)
    values = scores.estimate()[-1]
    if reference == BEST:
        reference = best(models, values, higher_is_better)
    if reference is not None and reference not in models:
        raise ValueError(f"no model {reference!r} to compare with; the models are {', '.join(models)}")
    samples = scores.means(resample(patients, draws, seed))
    low, high = interval(samples, patients)
    average = samples[:, -1]
    ranks = _ranks(values[None], higher_is_better)[0]
    rank_low, rank_high = _nanquantile(_ranks(average, higher_is_better), (0.025, 0.975), method="nearest")
    if patients < 2:
        rank_low = rank_high = np.full(len(models), np.nan)
    groups = tie_groups(values, average, patients, higher_is_better)
    columns = [one.tolist() for one in (values, low[-1], high[-1], ranks, rank_low, rank_high)]
    estimates = [Estimate(*row) for row in zip(models, *columns, groups, strict=True)]
    pairs = combinations(range(len(models)), 2) if reference is None else _against(models, reference)
    differences = [_difference(scores, average, a, b, higher_is_better) for a, b in pairs]
    return Comparison(low, high, estimates, differences)


def best(models: Sequence[str], values: Array, higher_is_better: bool = True) -> str:
    """The model with the best of the (M,) values; the first among equals; undefined values are never the best."""
    worst = -np.inf if higher_is_better else np.inf
    known = np.where(np.isnan(values), worst, values)
    return models[int(known.argmax() if higher_is_better else known.argmin())]


def _against(models: Sequence[str], reference: str) -> list[tuple[int, int]]:
    return [(number, models.index(reference)) for number, name in enumerate(models) if name != reference]


def _difference(scores: PatientScores, average: Array, a: int, b: int, higher_is_better: bool) -> Difference:
    paired = scores.differences(a, b)
    known = paired[~np.isnan(paired)]
    values = scores.estimate()[-1]
    low, high = interval(average[:, a] - average[:, b], len(scores.patients))
    better = known > 0 if higher_is_better else known < 0
    wins, ties = (float(np.mean(part)) if known.size else float("nan") for part in (better, known == 0))
    return Difference(
        scores.models[a], scores.models[b], float(values[a] - values[b]), float(low), float(high),
        wilcoxon(paired), float("nan"), wins, ties, len(known), len(paired) - len(known),
    )  # fmt: skip


def tie_groups(values: Array, average: Array, patients: int, higher_is_better: bool = True) -> list[str]:
    """Letters of the models: two share one if and only if the interval of their difference contains 0.

    Args:
        values: (M,) Averages.
        average: (B, M) the same for B draws.
        patients: how many were drawn from.
        higher_is_better: False for distances.

    Returns:
        Letters per model: "a" for the best and those not distinguished from it and from each other; several letters
        if a model lies between two groups. Empty where the value is undefined.

    Source: the compact letter display of Piepho, J. Comput. Graph. Stat. 13 (2004) 456-466, from maximal cliques.
    """
    import networkx  # noqa: PLC0415 - only comparisons need it

    sign = -1 if higher_is_better else 1
    order = np.argsort(sign * values)[: np.count_nonzero(~np.isnan(values))].tolist()
    together = networkx.Graph()
    together.add_nodes_from(order)
    for one, other in combinations(order, 2):
        low, high = interval(average[:, one] - average[:, other], patients)
        if not (low > 0 or high < 0):
            together.add_edge(one, other)
    cliques = sorted(sorted(map(order.index, clique)) for clique in networkx.find_cliques(together))
    letters = [""] * len(values)
    for number, clique in enumerate(cliques):
        for place in clique:
            letters[order[place]] += _letter(number)
    return letters


def _letter(number: int) -> str:
    """The letter of a group: a to z, then A to Z; any further groups share the last letter."""
    return string.ascii_letters[min(number, len(string.ascii_letters) - 1)]


def frames(comparisons: Mapping[str, Comparison]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Estimates and differences of all data sets as tables, the data set first."""
    made = []
    for part, columns in (("estimates", Estimate), ("differences", Difference)):
        names = list(columns.__dataclass_fields__)
        rows = [
            [dataset, *(getattr(row, name) for name in names)]
            for dataset, comparison in comparisons.items()
            for row in getattr(comparison, part)
        ]
        made.append(pd.DataFrame(rows, columns=["dataset", *names]))
    return made[0], made[1]


def _ranks(values: Array, higher_is_better: bool) -> Array:
    sign = -1 if higher_is_better else 1
    return np.asarray(scipy.stats.rankdata(sign * values, method="min", axis=-1, nan_policy="omit"))


def _nanquantile(samples: Array, points: tuple[float, float], method: Literal["linear", "nearest"] = "linear") -> Array:
    """Quantiles along the first axis; NaN, without a warning, where all samples are NaN."""
    empty = np.isnan(samples).all(axis=0)
    filled = np.where(empty, 0, samples)
    quantile = np.nanquantile if np.isnan(filled).any() else np.quantile
    return np.where(empty, np.nan, quantile(filled, points, axis=0, method=method))
