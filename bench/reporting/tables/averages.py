"""Records to the cells of a table: one number with its interval and what was left out of it."""

from dataclasses import replace

import pandas as pd

from bench.reporting.tables.table import Cell
from bench.statistics.bootstrap import limits
from bench.statistics.patients import AVERAGE, patient_scores
from bench.statistics.rows import Rows, chosen_metric, with_rows


def cells(records: pd.DataFrame, aggregation: str, rows: Rows, name: str = "dice") -> dict[tuple[str, str, str], Cell]:
    """Cells by (data set, row, model) for one prompt and round, each with its interval.

    Args:
        records: of one prompt kind; of one round, or of metrics that span rounds.
        aggregation: name, see `bench.statistics.patients.AGGREGATIONS`.
        rows: for each data set, row label to the targets pooled in it; targets in no row get their own.
        name: of a metric; "volume" reads that of stacked volumes.
    """
    chosen = with_rows(records[records["metric"] == chosen_metric(name, aggregation).name], rows)
    return {
        (str(dataset), label, model): cell
        for dataset, part in chosen.groupby("dataset", sort=True)
        for (label, model), cell in _cells(part, aggregation).items()
    }


def _cells(part: pd.DataFrame, aggregation: str) -> dict[tuple[str, str], Cell]:
    """Cells by (row, model) of one data set."""
    scores = patient_scores(part, aggregation, row="row")
    values, (low, high) = scores.estimate(), limits(scores)
    counts = _counts(part) | _counts(part.assign(row=AVERAGE))
    nothing = Cell(float("nan"))
    return {
        (label, model): replace(
            counts.get((label, model), nothing),
            value=float(values[r, m]),
            low=float(low[r, m]),
            high=float(high[r, m]),
        )
        for r, label in enumerate(scores.labels)
        for m, model in enumerate(scores.models)
    }


def _counts(records: pd.DataFrame) -> dict[tuple[str, str], Cell]:
    """Cells without values: what was averaged and what was left out, by (row, model)."""
    sizes = records.groupby(["row", "model", "status"]).size().to_dict()
    defined = records.loc[records["status"] == "ok", ["row", "model", "patient"]].drop_duplicates()
    patients = defined.groupby(["row", "model"]).size().to_dict()
    pairs = [(str(row), str(model)) for row, model in records[["row", "model"]].drop_duplicates().to_numpy().tolist()]
    return {
        (label, model): Cell(
            float("nan"),
            n=sizes.get((label, model, "ok"), 0),
            # what a rule for empty masks skips is undefined, too
            undefined=sizes.get((label, model, "undefined"), 0) + sizes.get((label, model, "skipped"), 0),
            failed=sizes.get((label, model, "failed"), 0),
            patients=patients.get((label, model), 0),
        )
        for label, model in pairs
    }
