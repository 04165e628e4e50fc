"""Scribbles: one stroke along the middle of a target, given to models as clicks."""

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import dijkstra
from skimage.morphology import medial_axis

from bench.data.bounding_box import bounding_box
from bench.data.case import Mask
from bench.prompting.components import largest_component
from bench.prompting.prompt import SimulatedPrompt
from bench.protocols import Protocol

MOST_POINTS = 8
STEPS = ((0, 1), (1, -1), (1, 0), (1, 1))  # to those of the eight neighbours that come later in raster order
Pixels = NDArray[np.intp]


def scribble(target: Mask, protocol: Protocol, rng: np.random.Generator) -> SimulatedPrompt:
    """Up to eight foreground clicks on the longest stroke along the medial axis of the largest component.

    They are evenly spaced by arc length, half a gap from either end, beginning at the end that comes first in raster
    order. A short stroke has fewer, at most one on each of its pixels; that of a disc is little more than its centre.
    Nothing is random.
    """
    path = stroke(largest_component(target))
    arc = np.concatenate([[0.0], np.hypot(*np.diff(path, axis=0).T).cumsum()])
    count = min(MOST_POINTS, len(path))
    wanted = (np.arange(count) + 0.5) / count * arc[-1]
    places = np.unique(np.rint(np.interp(wanted, arc, np.arange(len(path)))).astype(int))
    return SimulatedPrompt(clicks=tuple((int(x), int(y), 1) for y, x in path[places]))


def stroke(mask: Mask) -> Pixels:
    """The longest way along the medial axis of a mask, which does not visit a pixel twice.

    Of a ring it is half the circle. The border of the image counts as outside.

    Args:
        mask: (H, W) bool, one component.

    Returns:
        (N, 2) row and column of neighbouring pixels, all in the mask, from the end that comes first in raster order.
    """
    box = bounding_box(mask)
    # Which of equal pixels go first is drawn inside; it is the same each time.
    axis, depth = medial_axis(np.pad(mask[box], 1), return_distance=True, rng=0)
    pixels = np.argwhere(axis)
    ways = _neighbours(axis, pixels)
    one = int(dijkstra(ways, directed=False, indices=int(depth[axis].argmax())).argmax())
    lengths, before = dijkstra(ways, directed=False, indices=one, return_predecessors=True)
    way = [int(lengths.argmax())]
    while way[-1] != one:
        way.append(int(before[way[-1]]))
    ordered = way if way[0] < way[-1] else way[::-1]
    corner = [side.start - 1 for side in box]
    found: Pixels = pixels[ordered] + corner
    return found


def _neighbours(axis: Mask, pixels: Pixels) -> coo_array:
    """Distances between neighbouring pixels of an axis that does not touch the border, as a sparse upper triangle."""
    number = np.full(axis.shape, -1)
    number[axis] = np.arange(len(pixels))
    rows, columns = pixels.T
    found = []
    for down, right in STEPS:
        others = number[rows + down, columns + right]
        start = np.flatnonzero(others >= 0)
        found.append(np.stack([start, others[start], np.full(len(start), np.hypot(down, right))]))
    start, end, length = np.concatenate(found, axis=1)
    ends = start.astype(np.int32), end.astype(np.int32)  # older versions of SciPy take no other type
    return coo_array((length, ends), shape=(len(pixels), len(pixels)))
