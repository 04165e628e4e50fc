"""The simulated user of the training: boxes, first clicks, and clicks on errors.

Coordinates are pixels of the network's input, x before y. Source: InMyDreammer/SegMoTE at 77668f0.
"""

import numpy as np
from numpy.typing import NDArray

from segmote.training.data import Mask

CENTRAL_SHARE = 0.5
ERROR_CLICKS = (1, 3, 4, 7)
NOWHERE_PX = 256  # without errors, "not a point" lies anywhere in a square of this side, whatever the input size
NOT_A_POINT = -1

Clicks = tuple[NDArray[np.float32], NDArray[np.int64]]  # (n, 2) x, y and (n,) 1 foreground, 0 background, -1 none


def box(mask: Mask, rng: np.random.Generator | None, noise_px: int = 5, past: int = 0) -> NDArray[np.float32]:
    """The box x0, y0, x1, y1 of the outermost pixels, tight without a generator.

    With one, each coordinate is moved by up to `noise_px` whole pixels. The far corner lies `past` pixels beyond the
    last one.

    >>> mask = np.zeros((64, 64), bool)
    >>> mask[17:34, 18:43] = True
    >>> box(mask, None).tolist()
    [18.0, 17.0, 42.0, 33.0]
    """
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    corners = np.array([columns[0], rows[0], columns[-1] + past, rows[-1] + past])
    if rng is not None:
        corners = corners + rng.integers(-noise_px, noise_px, 4, endpoint=True)
    height, width = mask.shape
    inside: NDArray[np.float32] = np.clip(corners, 0, [width - 1 + past, height - 1 + past] * 2).astype(np.float32)
    return inside


def click(mask: Mask, rng: np.random.Generator) -> Clicks:
    """A click on one of the half of an object's pixels that are nearest to its centroid.

    An object of one pixel has no such half: the click is then on the background, with label 0.
    """
    rows, columns = np.nonzero(mask)
    distance = (rows - rows.mean()) ** 2 + (columns - columns.mean()) ** 2
    central = np.argsort(distance, kind="stable")[: int(CENTRAL_SHARE * len(rows))]
    if not len(central):
        rows, columns = np.nonzero(~mask)
        return _clicks(rows, columns, np.zeros(len(rows), int), 1, rng)
    return _clicks(rows[central], columns[central], np.ones(len(central), int), 1, rng)


def error_clicks(mask: Mask, drawn: Mask, count: int, rng: np.random.Generator) -> Clicks:
    """Clicks on wrong pixels of a mask, drawn with replacement: label 1 on missed pixels, 0 on false ones."""
    rows, columns = np.nonzero(mask != drawn)
    if not len(rows):
        return rng.integers(0, NOWHERE_PX, (count, 2)).astype(np.float32), np.full(count, NOT_A_POINT)
    return _clicks(rows, columns, mask[rows, columns].astype(int), count, rng)


def _clicks(
    rows: NDArray[np.intp], columns: NDArray[np.intp], labels: NDArray[np.int64], count: int, rng: np.random.Generator
) -> Clicks:
    chosen = rng.integers(len(rows), size=count)
    return np.stack([columns[chosen], rows[chosen]], axis=1).astype(np.float32), labels[chosen]
