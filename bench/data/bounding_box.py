"""The smallest box around a mask: most of what is computed on masks needs no more than that."""

import numpy as np

from bench.data.case import Mask

Box = tuple[slice, ...]


def bounding_box(mask: Mask) -> Box:
    """The smallest slices that hold all foreground of a mask of any number of axes; empty slices if there is none.

    Example:
        >>> bounding_box(np.array([[False, False], [False, True]]))
        (slice(1, 2, None), slice(1, 2, None))
    """
    sides: list[slice] = []
    for axis in range(mask.ndim):  # each axis is searched only where the axes before it have foreground
        inside = mask[tuple(sides)]
        others = tuple(other for other in range(mask.ndim) if other != axis)
        held = np.flatnonzero(inside.any(axis=others))
        sides.append(slice(int(held[0]), int(held[-1]) + 1) if held.size else slice(0, 0))
    return tuple(sides)
