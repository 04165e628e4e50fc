"""Masks drawn by Hypothesis, small, of any outline, never empty; and shapes of a size that is given."""

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

masks = arrays(bool, st.tuples(st.integers(1, 12), st.integers(1, 12))).filter(lambda mask: mask.any())


def ellipse(shape, row, column, height, width):
    """A filled ellipse of these half axes in a (H, W) mask."""
    rows, columns = np.indices(shape)
    return ((rows - row) / height) ** 2 + ((columns - column) / width) ** 2 <= 1


def lobed(shape, centre, radius, turn):
    """A ball whose radius varies by 15 % with the angle in its first two axes, in a mask of two or three axes."""
    offsets = [axis - middle for axis, middle in zip(np.indices(shape, np.float32), centre, strict=True)]
    angle = np.arctan2(offsets[0], offsets[1])
    return sum(axis**2 for axis in offsets) < (radius * (1 + 0.15 * np.sin(5 * angle + turn))) ** 2
