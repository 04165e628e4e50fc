"""A simulated prompt: what a user gives for one object, independent of any model."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Click = tuple[float, float, int]  # x, y, label: 1 foreground, 0 background


@dataclass(frozen=True, slots=True, eq=False)
class SimulatedPrompt:
    """A box, clicks or a name; all of them empty if the user gives nothing.

    Attributes:
        box: (4,) float32 x0, y0, x1, y1 in pixels of the image, or None.
        clicks: in the order in which they are given.
        text: name of the object, or None.
    """

    box: NDArray[np.float32] | None = None
    clicks: tuple[Click, ...] = ()
    text: str | None = None
