"""Clicks: the first one on a target, and the next one where the mask is wrong."""

from collections.abc import Callable, Sequence

import numpy as np

from bench.data.bounding_box import bounding_box
from bench.data.case import Mask
from bench.prompting.components import Labels, largest_component
from bench.prompting.depth import deepest, squared_depth
from bench.prompting.prompt import Click, SimulatedPrompt
from bench.protocols import ClickRule, Protocol

MISSED, FALSE = np.uint8(1), np.uint8(2)  # what is wrong with a pixel
Pick = Callable[[Mask, np.random.Generator], tuple[int, int]]


def _in_crop(pick: Callable[[Mask], tuple[int, int]], mask: Mask) -> tuple[int, int]:
    """(x, y) in the whole image of what a rule picks in the crop to the foreground."""
    rows, columns = box = bounding_box(mask)
    x, y = pick(mask[box])
    return x + columns.start, y + rows.start


def _deepest(mask: Mask) -> tuple[int, int]:
    return _in_crop(lambda part: deepest(squared_depth(part)), mask)


def centre(mask: Mask) -> tuple[int, int]:
    """(x, y) of the pixel of the largest component that is farthest from its outside; the first in raster order.

    The image border counts as outside, so that the click stays away from it.
    """
    return _in_crop(lambda part: _deepest(largest_component(part)), mask)


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


FIRST_CLICK: dict[ClickRule, Pick] = {
    "centre": lambda mask, rng: centre(mask),
    "ritm": lambda mask, rng: _deepest(mask),
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
    rows, columns = box = bounding_box(target != predicted)
    wrong = MISSED * (target[box] & ~predicted[box]) + FALSE * (predicted[box] & ~target[box])
    if not wrong.size:
        return None
    if protocol.click == "ritm":
        place = _deepest_wrong(wrong, [(int(x) - columns.start, int(y) - rows.start) for x, y, _ in clicked])
    elif protocol.click in ("near-centroid", "uniform"):
        place = _uniform(wrong > 0, rng)
    else:
        place = _deepest(largest_component(wrong))  # a missed part wins a tie, as its label is the lower one
    if place is None:
        return None
    x, y = place[0] + columns.start, place[1] + rows.start
    return x, y, int(target[y, x])


def _deepest_wrong(wrong: Labels, clicked: Sequence[tuple[int, int]]) -> tuple[int, int] | None:
    squared = squared_depth(wrong)
    height, width = wrong.shape
    for x, y in clicked:
        if 0 <= x < width and 0 <= y < height:
            squared[y, x] = 0
    depths = [np.where(wrong == kind, squared, 0) for kind in (FALSE, MISSED)]
    depth = max(depths, key=np.max)  # a false part wins a tie, as in the original
    return deepest(depth) if depth.any() else None
