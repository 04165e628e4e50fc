"""A data set's scores by patient, so that every mean of a table can be recomputed for resampled patients."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

AVERAGE = "Average"

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class PatientScores:
    """A data set's scores, summed by patient: every mean of a table is a sum of sums over a sum of counts.

    P patients, K rows of the table, M models.

    Attributes:
        patients, rows, models: names along the axes.
        sums, counts: (P, K, M) sum and number of the defined values that enter a row.
        macro: True if the Average is the mean of the rows; False if the last row is the Average itself.
    """

    patients: Sequence[str]
    rows: Sequence[str]
    models: Sequence[str]
    sums: Array
    counts: Array
    macro: bool

    @property
    def labels(self) -> list[str]:
        """Row names with the Average last."""
        return [*self.rows, AVERAGE] if self.macro else list(self.rows)

    def means(self, weights: Array) -> Array:
        """(B, L, M) the table's values, rows and Average, for B weightings of the patients, (B, P); NaN if empty."""
        shape = (len(weights), *self.sums.shape[1:])
        total, count = ((weights @ part.reshape(len(part), -1)).reshape(shape) for part in (self.sums, self.counts))
        means = _ratio(total, count)
        return np.concatenate([means, _nanmean(means, axis=1)[:, None]], axis=1) if self.macro else means

    def estimate(self) -> Array:
        """(L, M) the table's values: every patient once."""
        table: Array = self.means(np.ones((1, len(self.patients))))[0]
        return table

    def differences(self, one: int, other: int) -> Array:
        """(P,) each patient's score of model `one` minus that of `other`, over the rows that both have; NaN if none."""
        means = _ratio(self.sums, self.counts)
        if not self.macro:
            means = means[:, -1:]
        return _nanmean(means[:, :, one] - means[:, :, other], axis=1)


def patient_scores(records: pd.DataFrame, aggregation: str, row: str = "target") -> PatientScores:
    """Sum the records of one data set by patient.

    Args:
        records: of one data set, prompt, round and metric (`volume_dice` for "volume"); null values are left out of
            sums and counts. Several seeds count as separate masks.
        aggregation: a name of `AGGREGATIONS`.
        row: the column that names the table's row.

    Raises:
        ValueError: unknown aggregation, or several data sets or metrics.
    """
    if aggregation not in AGGREGATIONS:
        raise ValueError(f"unknown aggregation {aggregation!r}; known are {', '.join(AGGREGATIONS)}")
    for name in ("dataset", "metric", "prompt", "round"):
        if (found := records[name].nunique(dropna=False)) != 1:
            raise ValueError(f"records must have one {name}, got {found}; choose one first")
    parts = list(AGGREGATIONS[aggregation].sums(records.rename(columns={row: "row"})))
    table = pd.concat(parts)
    patients, models = sorted(records["patient"].unique()), sorted(records["model"].unique())
    rows = _order(table)
    full = table.reindex(pd.MultiIndex.from_product([patients, rows, models]), fill_value=0)
    shape = len(patients), len(rows), len(models)
    sums, counts = (full[name].to_numpy(float).reshape(shape) for name in ("sum", "count"))
    return PatientScores(patients, rows, models, sums, counts, macro=len(parts) == 1)


def _masks(records: pd.DataFrame) -> pd.DataFrame:
    return records.groupby(["patient", "row", "model"])["value"].agg(["sum", "count"])


def _macro(records: pd.DataFrame) -> Iterator[pd.DataFrame]:
    yield _masks(records)


def _macro_of_patients(records: pd.DataFrame) -> Iterator[pd.DataFrame]:
    means = records.groupby(["patient", "row", "model"])["value"].mean()
    yield pd.DataFrame({"sum": means.fillna(0), "count": means.notna().astype(int)})


def _mean_mask(records: pd.DataFrame) -> Iterator[pd.DataFrame]:
    yield _masks(records)
    yield _masks(records.assign(row=AVERAGE))


def _mean_image(records: pd.DataFrame) -> Iterator[pd.DataFrame]:
    yield _masks(records)
    images = records.groupby(["patient", "case", "slice", "model"], dropna=False)["value"].mean().reset_index()
    yield _masks(images.assign(row=AVERAGE))


@dataclass(frozen=True, slots=True)
class Aggregation:
    """How masks become a row and rows become the Average.

    Attributes:
        title: a few words for headings.
        text: for captions, with {} for what is counted: masks, objects or volumes.
        sums: records of one data set to sums and counts by (patient, row, model); of one part, the Average is the mean
            of the rows; of two, the second is the Average itself.
        volume: reads the metrics of volumes stacked from slices.
    """

    title: str
    text: str
    sums: Callable[[pd.DataFrame], Iterator[pd.DataFrame]]
    volume: bool = False

    def caption(self, counted: str = "masks") -> str:
        """The text for means over what is `counted`."""
        return self.text.format(counted)


AGGREGATIONS: dict[str, Aggregation] = {
    "macro_class": Aggregation("macro class", "mean over classes of the mean over a class's {}", _macro),
    "mean_image": Aggregation("mean image", "mean over images of the mean over an image's {}", _mean_image),
    "mean_mask": Aggregation("mean mask", "mean over all {}", _mean_mask),
    "per_case": Aggregation(
        "per case", "mean over classes of the mean over patients of a patient's {}", _macro_of_patients
    ),
    "volume": Aggregation(
        "volume", "mean over classes of the mean over volumes stacked from slices", _macro, volume=True
    ),
}


def _order(table: pd.DataFrame) -> list[str]:
    rows = sorted(table.index.get_level_values("row").unique())
    return [name for name in rows if name != AVERAGE] + [name for name in rows if name == AVERAGE]


def _ratio(total: Array, count: Array) -> Array:
    ratio: Array = np.divide(total, count, out=np.full(total.shape, np.nan), where=count > 0)
    return ratio


def _nanmean(values: Array, axis: int) -> Array:
    known = ~np.isnan(values)
    return _ratio(np.where(known, values, 0).sum(axis=axis), known.sum(axis=axis).astype(float))
