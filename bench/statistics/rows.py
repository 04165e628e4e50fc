"""Rows of a table: which targets are pooled under which label, and which metric an aggregation reads."""

from collections.abc import Mapping, Sequence

import pandas as pd

from bench.data import catalogue
from bench.data.case import class_name, class_of
from bench.scoring.metrics import Metric, metric
from bench.statistics.patients import AGGREGATIONS

Rows = Mapping[str, Mapping[str, Sequence[str]]]  # data set to row label to the targets pooled in it


def chosen_metric(name: str, aggregation: str) -> Metric:
    """The metric that an aggregation reads: "volume" that of stacked volumes.

    Raises:
        ValueError: unknown metric, or it does not exist for stacked volumes.
    """
    found = metric(name)
    return found if found.volume or not AGGREGATIONS[aggregation].volume else metric(f"volume_{name}")


def with_rows(records: pd.DataFrame, rows: Rows) -> pd.DataFrame:
    """The records with a column `row`: the label that a target is pooled under."""
    label_of = {(d, t): label for d, labels in rows.items() for label, targets in labels.items() for t in targets}
    pairs = zip(records["dataset"], records["target"].map(class_of), strict=True)
    return records.assign(row=[label_of.get((d, t), class_name(t)) for d, t in pairs])


def labels(records: pd.DataFrame) -> Sequence[str]:
    """The table row of each record."""
    label_of = {
        (name, target): label
        for name in records["dataset"].unique()
        for label, targets in catalogue.rows(name).items()
        for target in targets
    }
    classes = records["target"].map(class_of)
    return [label_of.get(pair, class_name(pair[1])) for pair in zip(records["dataset"], classes, strict=True)]
