"""Connected components of a mask."""

import cc3d
import numpy as np
from numpy.typing import NDArray

from bench.data.case import Mask

Labels = NDArray[np.uint8]


def components(labels: Mask | Labels) -> NDArray[np.integer]:
    """8-connected components of a (H, W) mask, numbered from 1 in raster order of their first pixel.

    Args:
        labels: bool, or labels from 1, each of which has components of its own.
    """
    return cc3d.connected_components(np.ascontiguousarray(labels, np.uint8), connectivity=8)


def largest_component(labels: Mask | Labels) -> Mask:
    """The component with the most pixels; among equals one of the lowest label, and then the first in raster order.

    Args:
        labels: (H, W) with foreground, see `components`.
    """
    numbered = components(labels)
    sizes = np.bincount(numbered.ravel())
    sizes[0] = 0
    equals: list[Mask] = [numbered == number for number in np.flatnonzero(sizes == sizes.max())]
    return min(equals, key=lambda one: labels[one][0])
