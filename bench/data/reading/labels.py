"""Stored label values as one bool mask a class."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bench.data.case import DataError, Mask

ROUNDING = 1e-3
GREY_TOLERANCE = 8  # half-width of the ranges CHAOS gives for its grey levels
LARGEST_ID = 31
MOST_LEVELS = 16  # more grey levels than this are soft edges, not classes
SHADES = 0.1  # share of the foreground that grey levels of classes exceed, and soft edges hardly do

Table = Mapping[str, tuple[int, ...]]
"""Class name to the stored values that belong to it."""


def binary(values: NDArray[Any], where: str) -> tuple[Mask, tuple[str, ...]]:
    """Foreground of a mask of one class, and a warning if it has more than two values.

    Values above half of the maximum are foreground; above 0.5 if nothing exceeds 1.

    Args:
        values: any shape, real numbers; 0 is background.
        where: file, for the warning.
    """
    if values.dtype == bool:
        return values, ()
    top = values.max(initial=0)
    half = max(float(top), 1.0) / 2
    odd = np.count_nonzero((values != 0) & (values != top))
    if not odd:
        return values > half, ()
    return values > half, (f"{where}: {odd} values lie between 0 and {top:g}; cut at {half:g}",)


def by_value(values: NDArray[Any], table: Table, where: str) -> tuple[dict[str, Mask], tuple[str, ...]]:
    """Masks of the classes of a label map that occur in it; values without a class are warned of.

    Raises:
        DataError: values more than 0.001 from whole numbers, unless there is only one class to cut out.
    """
    whole = _whole(values)
    if whole is None:
        if len(table) == 1:
            mask, warnings = binary(values, where)
            return {next(iter(table)): mask}, warnings
        raise DataError(f"{where}: values are not whole numbers, such as {_first_odd(values):g}: no label ids")
    present = set(pd.unique(whole.ravel(order="K")).tolist())
    masks = {name: _holds(whole, ids) for name, ids in table.items() if present.intersection(ids)}
    unknown = sorted(present - {0} - {value for ids in table.values() for value in ids})
    return masks, (f"{where}: values {unknown} have no class; left out",) if unknown else ()


def by_grey(values: NDArray[Any], table: Table, where: str) -> tuple[dict[str, Mask], tuple[str, ...]]:
    """Like `by_value` for grey levels: each pixel takes the nearest level, at most 8 away."""
    levels = np.array(sorted({0, *(value for ids in table.values() for value in ids)}))
    nearest = levels[np.abs(values[..., None] - levels.astype(float)).argmin(axis=-1)]
    far = np.abs(values - nearest.astype(float)) > GREY_TOLERANCE
    masks, _ = by_value(np.where(far, 0, nearest), table, where)
    odd = np.count_nonzero(far)
    warning = f"{where}: {odd} pixels are more than {GREY_TOLERANCE} grey levels from {levels.tolist()}; left out"
    return masks, (warning,) if odd else ()


def guessed(values: NDArray[Any], where: str) -> tuple[dict[str, Mask], tuple[str, ...]]:
    """Masks of labels nobody has described: ids up to 31, otherwise one `foreground`.

    Raises:
        DataError: a few grey levels with much area each: labels of several classes.
    """
    whole = _whole(values)
    if whole is None or whole.dtype == bool:
        mask, warnings = binary(values, where)
        return {"foreground": mask}, warnings
    present = sorted(set(pd.unique(whole.ravel(order="K")).tolist()) - {0})
    if max(present, default=0) <= LARGEST_ID:
        return by_value(whole, {f"label {number}": (number,) for number in present}, where)
    shades = whole[(whole > 0.1 * present[-1]) & (whole < 0.9 * present[-1])]
    levels = pd.unique(shades).tolist()
    if len(levels) <= MOST_LEVELS and shades.size > SHADES * np.count_nonzero(whole):
        raise DataError(f"{where}: grey levels {sorted(levels)} beside {present[-1]}; name them in labels.json")
    mask, warnings = binary(whole, where)
    return {"foreground": mask}, warnings


def _holds(whole: NDArray[Any], ids: tuple[int, ...]) -> Mask:
    mask: Mask = whole == ids[0] if len(ids) == 1 else np.isin(whole, ids)
    return mask


def _whole(values: NDArray[Any]) -> NDArray[Any] | None:
    """Values as whole numbers, None if some are not."""
    if not np.issubdtype(values.dtype, np.floating):
        return values
    rounded = np.rint(values)
    return rounded.astype(np.int32) if np.abs(values - rounded).max(initial=0) <= ROUNDING else None


def _first_odd(values: NDArray[Any]) -> float:
    return float(values[np.abs(values - np.rint(values)) > ROUNDING].ravel()[0])
