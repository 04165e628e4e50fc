"""The largest component of a mask."""

import numpy as np
from numpy.typing import NDArray

from bench.data.case import Mask
from bench.data.components import components

Labels = NDArray[np.uint8]


def largest_component(labels: Mask | Labels) -> Mask:
    """The component with the most pixels; among equals one of the lowest label, and then the first in raster order.

    Args:
        labels: (H, W) with foreground, see `bench.data.components.components`.
    """
    numbered, _ = components(labels)
    sizes = np.bincount(numbered.ravel())
    sizes[0] = 0
    equals: list[Mask] = [numbered == number for number in np.flatnonzero(sizes == sizes.max())]
    return min(equals, key=lambda one: labels[one][0])
