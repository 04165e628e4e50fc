"""Stored label values as one bool mask per class, by one rule for all readers.

Values are ids: whole numbers, or floats next to them. Each id is named by the data set, named as not scored, or
refused with its value and its count. Masks of one class may have grey levels instead, if their values say so, see
`_grey`; the record then names the cut. Nothing else is guessed.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bench.data import mapped
from bench.data.case import DataError, Mask

ROUNDING, MOST_ROUNDING = 1e-3, 0.05  # stored floats lie this near to an id, plus as much of the id, at most the latter
GREY_TOLERANCE = 8  # half-width of the ranges CHAOS gives for its grey levels
LARGEST_ID, MOST_IDS = 127, 31  # of labels that nobody has named
FEW_LEVELS = 16  # with more grey levels than this, edges are soft or lossy
SHADES = 0.5  # share of the foreground between black and white that edges hardly reach
STRAY = 0.1  # share of the foreground that may lie between the grey levels of a table
SOLID = 0.02  # share of the foreground above which one such value is a class of its own
SOFT = 0.25  # values of soft masks exceed 0..1 by at most this, where they were interpolated
SHOWN = 6
NOT_SCORED = ("background", "ignore", "ignored", "void", "unlabeled", "unlabelled")
ALL = "all"
WHITES = frozenset({1, 255, 65535})  # ids that foreground has in masks of one class
MOST_ID = 2**31 - 1
WHOLE = re.compile(r"\s*[+-]?[0-9]{1,12}\s*")

Ids = tuple[int, ...] | None
LabelTable = Mapping[str, Ids]
"""Class name to the ids that belong to it; None: every id above 0, as for numbered cells."""


def table_of(content: Mapping[Any, Any]) -> LabelTable:
    """Class names with their ids.

    Args:
        content: name to an id, a list of ids, or "all"; ids also as text.

    Raises:
        ValueError: something else stands for an id; a class has the id 0 of the background; "all" beside other classes.
    """
    table = {str(name): _ids(str(name), value) for name, value in content.items()}
    background = [name for name, ids in table.items() if ids and 0 in ids and name.lower() not in NOT_SCORED]
    if background:
        raise ValueError(f"class {background[0]!r} has the id 0, which is the background")
    if None in table.values() and len(table) > 1 + sum(name.lower() in NOT_SCORED for name in table):
        raise ValueError(f"{ALL!r} stands for every id and leaves none to other classes")
    return table


def by_name(named: Iterable[tuple[int, str]]) -> LabelTable:
    """Class names with their ids from ids with their names; ids of one name are one class."""
    table: dict[str, tuple[int, ...]] = {}
    for number, name in named:
        table[name] = (*table.get(name, ()), number)
    return table


def _ids(name: str, value: Any) -> Ids:
    if isinstance(value, str) and value.strip().lower() == ALL:
        return None
    parts = value if isinstance(value, list | tuple) else [value]
    return tuple(_id(name, part) for part in parts)


def _id(name: str, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int | float | str) or not _is_whole(value):
        raise ValueError(f'id {value!r} of class {name!r} is no whole number; names come first: {{"liver": 1}}')
    if abs(number := int(value)) > MOST_ID:
        raise ValueError(f"id {value!r} of class {name!r} is larger than {MOST_ID}")
    return number


def _is_whole(value: float | str) -> bool:
    return value.is_integer() if isinstance(value, float) else isinstance(value, int) or bool(WHOLE.fullmatch(value))


def scored(table: LabelTable) -> LabelTable:
    """The classes of a table without those that are named as not scored."""
    return {name: ids for name, ids in table.items() if name.lower() not in NOT_SCORED}


def binary(values: NDArray[Any], where: str) -> tuple[Mask, tuple[str, ...]]:
    """Foreground of a mask file of one class, and a warning if it was cut through soft values.

    Args:
        values: any shape, real numbers; 0 is background, 1 or white foreground.
        where: file, for messages.

    Raises:
        DataError: other values, such as numbered lesions or a label map.
    """
    mask, warnings = _one_class(values, (1,), where)
    return mask, warnings if _between(values) else ()


def _between(values: NDArray[Any]) -> int:
    top = _limits(values)[1]
    return mapped.count(values, lambda part: (part != 0) & (part != top))


def _limits(values: NDArray[Any]) -> tuple[Any, Any]:
    """The lowest and the highest of the values and of 0, the background."""
    low, top = mapped.limits(values) if values.size else (0, 0)
    return min(low, 0), max(top, 0)


def _one_class(
    values: NDArray[Any], ids: tuple[int, ...], where: str, void: frozenset[int] = frozenset()
) -> tuple[Mask, tuple[str, ...]]:
    """The mask of the only class there is, by its ids, or by grey levels if the ids do not speak against it."""
    whole = _whole(values)
    known = void.union(ids, {0})
    if whole is not None and not _unknown(whole, known):
        return _holds(whole, ids), ()
    if not WHITES.issuperset(ids):
        cut = None
    elif values.dtype == bool:
        return values, ()
    else:
        cut = _grey(values)
    if cut is None:
        wanted = " and ".join(map(str, ids))
        raise DataError(
            f"{where}: {_shown(whole, values, known)}; save the mask with 0 and {wanted}, or name every id in the "
            "table of classes"
        )
    between, top = _between(values), f"{_limits(values)[1]:g}"
    said = (
        f"{between} values lie between 0 and {top}, taken as grey levels" if between else f"0 and {top} are the values"
    )
    return _where(values, lambda part: part > cut), (f"{where}: {said}; cut at {cut:g}",)


def by_id(values: NDArray[Any], table: LabelTable, where: str) -> tuple[dict[str, Mask], tuple[str, ...]]:
    """Masks of the classes of a label map that occur in it.

    Classes named as not scored ("ignore", "void" ...) count as background, with a warning of how many voxels.

    Raises:
        DataError: an id that the table does not name; values that are no ids, unless they are grey levels of a table
            with one class.
    """
    classes = scored(table)
    void = frozenset(number for name, ids in table.items() if name not in classes for number in ids or ())
    if len(classes) == 1 and (ids := next(iter(classes.values()))):
        mask, warnings = _one_class(values, ids, where, void)
        return {next(iter(classes)): mask}, (*warnings, *_ignored(values, void, where))
    whole = _whole(values)
    if whole is None:
        raise DataError(f"{where}: values are not whole numbers, such as {_first_odd(values):g}: no label ids")
    if None in classes.values():
        numbered = _where(whole, lambda part: (part > 0) & ~np.isin(part, list(void)))
        if _limits(whole)[0] < 0:
            raise DataError(f"{where}: {_shown(whole, values, frozenset({0, *range(1, int(whole.max()) + 1)}))}")
        return dict.fromkeys(classes, numbered), _ignored(whole, void, where)
    named = frozenset(number for ids in classes.values() for number in ids or ())
    if _unknown(whole, named | void | {0}):
        raise DataError(
            f"{where}: {_shown(whole, values, named | void | {0})}; name them in the table of classes, as "
            '"ignore" if they are not to be scored'
        )
    there = _levels(whole)
    masks = {name: _holds(whole, ids) for name, ids in classes.items() if ids and not there.isdisjoint(ids)}
    return masks, _ignored(whole, void, where)


def by_grey(values: NDArray[Any], table: LabelTable, where: str) -> tuple[dict[str, Mask], tuple[str, ...]]:
    """Like `by_id` for a table of grey levels: each pixel takes the nearest level, at most 8 away.

    Raises:
        DataError: more than a tenth of the foreground lies between the levels, as with a class that is not named.
    """
    levels = np.array(sorted({0, *(value for ids in table.values() for value in ids or ())}))
    nearest = levels[np.abs(values[..., None] - levels.astype(float)).argmin(axis=-1)]
    far = np.abs(values - nearest.astype(float)) > GREY_TOLERANCE
    odd, foreground = np.count_nonzero(far), np.count_nonzero(far | (nearest != 0))
    text = f"{where}: {odd} pixels are more than {GREY_TOLERANCE} grey levels from {levels.tolist()}"
    if odd > STRAY * foreground:
        raise DataError(f"{text}, such as {values[far].ravel()[0]:g}; name all levels")
    values_far, counts = np.unique(values[far], return_counts=True)
    if counts.max(initial=0) > SOLID * foreground:
        value = values_far[counts.argmax()]
        raise DataError(f"{where}: {counts.max()} pixels of {value:g}, which is none of {levels.tolist()}; name it")
    masks, warnings = by_id(np.where(far, 0, nearest), table, where)
    return masks, (*warnings, f"{text}; left out") if odd else warnings


def unnamed(values: NDArray[Any], where: str) -> tuple[dict[str, Mask], tuple[str, ...]]:
    """Masks of labels that nobody has named: ids up to 127 as `label 1` ..., or grey levels as one `foreground`.

    Raises:
        DataError: other values, or more than 31 ids, as of numbered cells.
    """
    whole = _whole(values)
    if values.dtype == bool or whole is None or _grey(values) is not None:
        mask, warnings = binary(values, where)
        return {"foreground": mask}, warnings
    present = sorted(_levels(whole) - {0})
    if present and (len(present) > MOST_IDS or present[-1] > LARGEST_ID or present[0] < 0):
        raise DataError(
            f"{where}: {_shown(whole, values, frozenset({0}))}; name the ids in labels.json "
            f'({{"liver": 1, ...}}, or {{"cell": "{ALL}"}} for numbered objects of one class)'
        )
    return {f"label {number}": _holds(whole, (number,)) for number in present}, ()


def _grey(values: NDArray[Any]) -> float | None:
    """Where a mask of one class is cut if its values are grey levels, else None.

    Grey levels reach white: the largest is 255 (at most 8 less), or 65535; apart from black and white there are none,
    or so many different ones, on so little area, that they are edges which were resized or compressed. A soft mask has
    values from 0 to 1, some of them no whole numbers, and the largest above a half.
    """
    low, top = map(float, _limits(values))
    if _whole(values) is None and low >= -SOFT and top <= 1 + SOFT:
        return 0.5 if top > 0.5 else None
    white = 65535.0 if top > 255 + GREY_TOLERANCE else 255.0
    if low < -GREY_TOLERANCE or not white * (1 - GREY_TOLERANCE / 255) <= top <= white + GREY_TOLERANCE:
        return None
    tolerance = GREY_TOLERANCE * white / 255
    dark = values[(values > tolerance) & (values < top - tolerance)]
    levels = pd.unique(values[values != 0].ravel())
    near_white = not dark.size and (values[values != 0] >= top - tolerance).all()
    edges = levels.size > FEW_LEVELS and dark.size <= SHADES * np.count_nonzero(values > tolerance)
    return top / 2 if near_white or edges else None


def _unknown(whole: NDArray[Any], known: frozenset[int]) -> list[int]:
    if {0, 1} <= known:
        low, top = _limits(whole)
        if low >= 0 and top <= 1:
            return []
    return sorted(_levels(whole) - known)


def _levels(whole: NDArray[Any]) -> set[int]:
    """The values that occur."""
    return {int(value) for (part,) in mapped.pieces(whole) for value in pd.unique(part.ravel(order="K"))}


def _shown(whole: NDArray[Any] | None, values: NDArray[Any], known: frozenset[int]) -> str:
    """The values that are not known, with their counts, for messages."""
    if whole is None:
        low, top = values.min(), values.max()
        return f"values from {low:g} to {top:g}, such as {_first_odd(values):g}, are no whole numbers"
    unknown = _unknown(whole, known)
    counted = ", ".join(f"{value} ({np.count_nonzero(whole == value)})" for value in unknown[:SHOWN])
    return f"values without a class (and their counts): {counted}{', ...' if len(unknown) > SHOWN else ''}"


def _ignored(values: NDArray[Any], void: frozenset[int], where: str) -> tuple[str, ...]:
    count = mapped.count(values, lambda part: np.isin(part, sorted(void - {0}))) if void - {0} else 0
    return (f"{where}: {count} values are named as not scored; they count as background",) if count else ()


def _holds(whole: NDArray[Any], ids: tuple[int, ...]) -> Mask:
    return _where(whole, lambda part: part == ids[0] if len(ids) == 1 else np.isin(part, ids))


def _where(values: NDArray[Any], rule: Callable[[NDArray[Any]], Mask]) -> Mask:
    return mapped.converted(values, rule, bool)


def _whole(values: NDArray[Any]) -> NDArray[Any] | None:
    """Values as whole numbers, None if some are not."""
    if not np.issubdtype(values.dtype, np.floating):
        return values
    if mapped.holds(values, lambda part: (np.abs(np.rint(part)) > MOST_ID) | _far(part, np.rint(part))):
        return None
    ids = mapped.converted(values, lambda part: np.rint(part).astype(np.int32), np.int32)
    if not mapped.holds(ids, np.asarray) and mapped.holds(values, np.asarray):
        return None  # not one id: masks of 0 and 0.0004 are no empty ones
    return ids


def _far(values: NDArray[Any], rounded: NDArray[Any]) -> NDArray[np.bool_]:
    far: NDArray[np.bool_] = np.abs(values - rounded) > np.minimum(ROUNDING * (1 + np.abs(rounded)), MOST_ROUNDING)
    return far


def _first_odd(values: NDArray[Any]) -> float:
    odd = values[_far(values, np.rint(values))]
    return float(odd.ravel()[0]) if odd.size else float(np.abs(values).max())
