"""Scores by object size, and how often a model fails completely: what a mean hides."""

from collections.abc import Sequence

import numpy as np
import pandas as pd


def size_groups(records: pd.DataFrame, count: int = 3) -> pd.DataFrame:
    """Records with a column `size_group`: 1 holds the smallest objects of their data set, `count` the largest.

    The limits are quantiles of `area_px` over a data set's objects (each counted once, whatever the number of models
    and rounds), slices and volumes apart, so that all models share them. Equal areas share a group.

    Raises:
        ValueError: fewer than one group.
    """
    if count < 1:
        raise ValueError(f"the number of size groups must be 1 or more, got {count}")
    unit = [records["dataset"], records["slice"].isna().rename("volume")]
    found = pd.Series(1, index=records.index)
    for _, part in records.groupby(unit):
        objects = part.drop_duplicates(["patient", "case", "slice", "target"])["area_px"].to_numpy(float)
        limits = np.quantile(objects, np.arange(1, count) / count)
        found[part.index] = 1 + np.searchsorted(limits, part["area_px"].to_numpy(float), side="left")
    return records.assign(size_group=found)


def size_table(records: pd.DataFrame, count: int = 3) -> pd.DataFrame:
    """Mean score by size: one row per data set, metric, prompt, size group and model, with areas and counts.

    Returns:
        Columns `dataset, metric, prompt, size_group, model, area_min, area_max, mean, n, undefined`; `n` counts defined
        values, `undefined` the others, failures among them.
    """
    keys = ["dataset", "metric", "prompt", "size_group", "model"]
    return (
        size_groups(records, count)
        .groupby(keys)
        .agg(
            area_min=("area_px", "min"),
            area_max=("area_px", "max"),
            mean=("value", "mean"),
            n=("value", "count"),
            undefined=("value", lambda values: int(values.isna().sum())),
        )
        .reset_index()
    )


def failure_rates(
    records: pd.DataFrame, threshold: float = 0.1, by: Sequence[str] = ("dataset", "model")
) -> pd.DataFrame:
    """How often an overlap is below the threshold; a prediction that raised an error counts as below.

    Args:
        records: of one metric in [0, 1].
        threshold: a mask below it is useless.
        by: columns to group by.

    Returns:
        Columns `by..., rate, n`; undefined values (both masks empty) are not counted in `n`.
    """
    counted = records[records["value"].notna() | (records["status"] == "failed")]
    below = (counted["value"] < threshold) | counted["value"].isna()
    grouped = below.groupby([counted[name] for name in by])
    return grouped.agg(rate="mean", n="size").reset_index()
