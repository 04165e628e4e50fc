"""Values that are no finite numbers, in images and in labels."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.data.case import DataError


def finite(values: NDArray[Any], where: str) -> tuple[NDArray[Any], tuple[str, ...]]:
    """Intensities with those that are no finite number set to the lowest value, and a warning; floats as float32.

    Raises:
        DataError: no value is a finite number.
    """
    if not np.issubdtype(values.dtype, np.floating):
        return values, ()
    with np.errstate(over="ignore"):
        values = values.astype(np.float32)
    known = np.isfinite(values)
    if known.all():
        return values, ()
    if not known.any():
        raise DataError(f"{where}: no value is a finite number")
    lowest = values[known].min()
    warning = f"{where}: {np.count_nonzero(~known)} values are not finite; set to {lowest:g}"
    return np.where(known, values, lowest), (warning,)


def known_labels(values: NDArray[Any], where: str) -> tuple[NDArray[Any], tuple[str, ...]]:
    """Label values with those that are no number (NaN) as background, and a warning.

    Raises:
        DataError: infinite values; no value is a number other than 0, so that NaN may as well be the foreground.
    """
    if not np.issubdtype(values.dtype, np.floating):
        return values, ()
    if count := np.count_nonzero(np.isinf(values)):
        raise DataError(f"{where}: {count} infinite values; save whole numbers")
    unknown = np.isnan(values)
    if not unknown.any():
        return values, ()
    if not values[~unknown].any():
        raise DataError(
            f"{where}: {np.count_nonzero(unknown)} values are no number (NaN) and all others are 0; save whole numbers"
        )
    warning = f"{where}: {np.count_nonzero(unknown)} values are no number; taken as background"
    return np.where(unknown, 0, values), (warning,)
