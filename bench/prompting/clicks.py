"""Clicks: the first one on a target, and the next one where the mask is wrong."""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from bench.data.case import Mask
from bench.prompting.components import largest_component
from bench.prompting.prompt import Click, SimulatedPrompt
from bench.protocols import ClickRule, Protocol


def _depth(mask: Mask) -> NDArray[np.float64]:
    """Distance of each foreground pixel to the nearest pixel outside; everything beyond the image border is outside."""
    depth: NDArray[np.float64] = ndimage.distance_transform_edt(np.pad(mask, 1))[1:-1, 1:-1]
    return depth


def _deepest(depth: NDArray[np.float64]) -> tuple[int, int]:
    row, column = np.unravel_index(int(depth.argmax()), depth.shape)
    return int(column), int(row)


def centre(mask: Mask) -> tuple[int, int]:
    """(x, y) of the pixel of the largest component that is farthest from its outside; the first in raster order.

    The image border counts as outside, so that the click stays away from it.
    """
    return _deepest(_depth(largest_component(mask)))


def _near_centroid(mask: Mask, rng: np.random.Generator) -> tuple[int, int]:
    rows, columns = np.nonzero(mask)
    distance = (rows - rows.mean()) ** 2 + (columns - columns.mean()) ** 2
    pick = int(rng.choice(np.argsort(distance, kind="stable")[: max(1, len(rows) // 2)]))
    return int(columns[pick]), int(rows[pick])


def _uniform(mask: Mask, rng: np.random.Generator) -> tuple[int, int]:
    rows, columns = np.nonzero(mask)
    pick = int(rng.integers(len(rows)))
    return int(columns[pick]), int(rows[pick])


def _centroid(mask: Mask) -> tuple[int, int]:
    rows, columns = np.nonzero(mask)
    return round(float(columns.mean())), round(float(rows.mean()))


FIRST_CLICK: dict[ClickRule, Callable[[Mask, np.random.Generator], tuple[int, int]]] = {
    "centre": lambda mask, rng: centre(mask),
    "ritm": lambda mask, rng: _deepest(_depth(mask)),
    "near-centroid": _near_centroid,
    "uniform": _uniform,
    "centroid": lambda mask, rng: _centroid(mask),
}


def click(target: Mask, protocol: Protocol, rng: np.random.Generator) -> SimulatedPrompt:
    """One foreground click by the protocol's rule, at a pixel's own coordinates."""
    x, y = FIRST_CLICK[protocol.click](target, rng)
    return SimulatedPrompt(clicks=((x, y, 1),))


def next_click(
    target: Mask, predicted: Mask, protocol: Protocol, rng: np.random.Generator, clicked: Sequence[Click] = ()
) -> Click | None:
    """The next corrective click: positive on a missed part, negative on a false one.

    Args:
        target, predicted: (H, W) bool.
        protocol: its click rule.
        rng: of this round.
        clicked: the clicks so far; only the rule "ritm" uses them.

    Returns:
        None if nothing is wrong, or if everything wrong was clicked before.
    """
    error = target != predicted
    if not error.any():
        return None
    missed, false = target & ~predicted, predicted & ~target
    if protocol.click == "ritm":
        return _deepest_error(missed, false, clicked)
    if protocol.click in ("near-centroid", "uniform"):
        x, y = _uniform(error, rng)
    else:
        parts = [largest_component(part) for part in (missed, false) if part.any()]
        x, y = centre(max(parts, key=np.count_nonzero))  # a missed part wins a tie: max keeps the first
    return x, y, int(target[y, x])


def _deepest_error(missed: Mask, false: Mask, clicked: Sequence[Click]) -> Click | None:
    depths = [_depth(part) for part in (missed, false)]
    for depth in depths:
        for x, y, _ in clicked:
            depth[int(y), int(x)] = 0
    positive = depths[0].max() > depths[1].max()  # a false part wins a tie, as in the original
    deepest = depths[0] if positive else depths[1]
    return (*_deepest(deepest), int(positive)) if deepest.any() else None
