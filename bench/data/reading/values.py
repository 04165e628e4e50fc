"""Values that are no finite numbers, in images and in labels."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.data import mapped
from bench.data.case import DataError


def finite(values: NDArray[Any], where: str) -> tuple[NDArray[Any], tuple[str, ...]]:
    """Intensities with those that are no finite number set to the lowest value, and a warning; floats as float32.

    Raises:
        DataError: no value is a finite number.
    """
    if not np.issubdtype(values.dtype, np.floating):
        return values, ()
    with np.errstate(over="ignore"):
        if values.dtype != np.float32:
            values = mapped.converted(values, lambda part: part.astype(np.float32), np.float32)
    unknown = mapped.count(values, lambda part: ~np.isfinite(part))
    if not unknown:
        return values, ()
    if unknown == values.size:
        raise DataError(f"{where}: no value is a finite number")
    lowest = min(part[np.isfinite(part)].min(initial=np.inf) for (part,) in mapped.pieces(values))
    warning = f"{where}: {unknown} values are not finite; set to {lowest:g}"
    return mapped.converted(values, lambda part: np.where(np.isfinite(part), part, lowest), np.float32), (warning,)


def known_labels(values: NDArray[Any], where: str) -> tuple[NDArray[Any], tuple[str, ...]]:
    """Label values with those that are no number (NaN) as background, and a warning.

    Raises:
        DataError: infinite values; no value is a number other than 0, so that NaN may as well be the foreground.
    """
    if not np.issubdtype(values.dtype, np.floating):
        return values, ()
    if count := mapped.count(values, np.isinf):
        raise DataError(f"{where}: {count} infinite values; save whole numbers")
    unknown = mapped.count(values, np.isnan)
    if not unknown:
        return values, ()
    if not mapped.holds(values, lambda part: part[~np.isnan(part)]):
        raise DataError(f"{where}: {unknown} values are no number (NaN) and all others are 0; save whole numbers")
    warning = f"{where}: {unknown} values are no number; taken as background"
    return mapped.converted(values, lambda part: np.where(np.isnan(part), 0, part), values.dtype), (warning,)
