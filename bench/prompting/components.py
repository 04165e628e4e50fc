"""Connected components of a mask."""

import cc3d
import numpy as np
from numpy.typing import NDArray

from bench.data.case import Mask


def components(mask: Mask) -> NDArray[np.integer]:
    """8-connected components of a (H, W) mask, numbered from 1 in raster order of their first pixel."""
    return cc3d.connected_components(np.ascontiguousarray(mask, np.uint8), connectivity=8)


def largest_component(mask: Mask) -> Mask:
    """The component with the most pixels; among equals the first in raster order."""
    labels = components(mask)
    largest: Mask = labels == 1 + int(np.bincount(labels.ravel())[1:].argmax())
    return largest
