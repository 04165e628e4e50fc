"""Stacks of slices from single ones: every structure of a slice gets a place and a reach along the body.

Frame of a slice: that of `SamplingGrid.picture`. Levels run from -1, the lowest slice, to 1, the highest.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.miniworld.phantoms.geometry import Bounds, Field, Ripple, Shape
from bench.miniworld.phantoms.grid import SamplingGrid
from bench.miniworld.phantoms.rendering import Layer, Part, sample

UNITS_A_LEVEL = 60.0  # how far apart two levels are for the ripples of outlines
LEAST_FACTOR = 0.3  # of a structure's size, below which it has ended
WHOLE = float("inf")


@dataclass(frozen=True, slots=True, eq=False)
class Section:
    """A shape as one slice shows it: smaller or larger, moved, and with an outline that changes along the body.

    Attributes:
        shape: two-dimensional.
        centre: (2,) that it is scaled around.
        factor: of its size.
        shift: (2,) by which it is moved.
        wobble: three-dimensional, added to the distance.
        height: of the slice, in the units of the ripple.
    """

    shape: Shape
    centre: Field
    factor: float
    shift: Field
    wobble: Ripple
    height: float

    @property
    def bounds(self) -> Bounds:
        """See `bench.miniworld.phantoms.geometry.Shape`."""
        lower, upper = (self.centre + self.shift + self.factor * (edge - self.centre) for edge in self.shape.bounds)
        return lower - self.wobble.peak, upper + self.wobble.peak

    def distance(self, points: Field) -> Field:
        """See `bench.miniworld.phantoms.geometry.Shape`."""
        centre, factor = self.centre[:, None], np.float32(self.factor)
        own = factor * self.shape.distance((points - self.shift[:, None] - centre) / factor + centre)
        heights = np.full((1, points.shape[1]), self.height, np.float32)
        return own + self.wobble(np.concatenate([points, heights]))


@dataclass(frozen=True, slots=True, eq=False)
class Span:
    """Where along the body a structure lies.

    Attributes:
        centre: (2,) of its widest slice.
        middle: level of that slice.
        reach: levels from there to either end; `WHOLE` for a structure that all slices show alike.
        lean: (2,) by which it moves from level to level.
        wobble: of its outline.
    """

    centre: Field
    middle: float
    reach: float
    lean: Field
    wobble: Ripple

    def at(self, part: Part, level: float) -> Part | None:
        """The part as a slice shows it, as that of an ellipsoid; None beyond its ends."""
        away = level - self.middle
        factor = float(np.sqrt(max(0.0, 1 - (away / self.reach) ** 2)))
        if factor < LEAST_FACTOR:
            return None
        moved = Section(part.shape, self.centre, factor, self.lean * away, self.wobble, UNITS_A_LEVEL * level)
        return Part(part.tissue, moved, part.label, part.opacity)


Placed = tuple[Part, Span]


@dataclass(frozen=True, slots=True, eq=False)
class Stack:
    """A stack of slices with its classes.

    Attributes:
        image: (H, W, N) in the units of the modality; rows run to posterior, columns to the patient's left, slices up.
        masks: class name to (H, W, N) bool; some may be empty.
    """

    image: Field
    masks: dict[str, NDArray[np.bool_]]


def spans(rng: np.random.Generator, parts: Sequence[Part], reaches: Mapping[str, tuple[float, float]]) -> list[Placed]:
    """Where each part of a slice lies along the body.

    Args:
        rng: moves them a little.
        parts: in painting order; those without a label of their own (None) go with the part before them.
        reaches: middle and reach of classes, and of tissues without a class; all others are the same at all levels.
    """
    whole = Span(np.zeros(2, np.float32), 0.0, WHOLE, np.zeros(2, np.float32), Ripple.random(rng, 3, 150, 1.5))
    found: list[Placed] = []
    for part in parts:
        known = reaches.get(part.label or part.tissue)
        if part.label is None and found:
            found.append((part, found[-1][1]))
        else:
            found.append((part, whole if known is None else _span(rng, part.shape, *known)))
    return found


def _span(rng: np.random.Generator, shape: Shape, middle: float, reach: float) -> Span:
    lower, upper = shape.bounds
    size = float((upper - lower).min()) / 2
    return Span(
        ((lower + upper) / 2).astype(np.float32),
        middle + 0.25 * rng.standard_normal(),
        reach * rng.uniform(0.8, 1.25),
        rng.normal(0, 4, 2).astype(np.float32),
        Ripple.random(rng, 3, 2.2 * size, 0.05 * size),
    )


def stacked(placed: Sequence[Placed], height: int, width: int, count: int) -> list[Layer]:
    """The parts on `count` slices, as layers of a volume (height, width, count) with the lowest slice first."""
    grid = SamplingGrid.picture(height, width)
    layers: list[Layer] = []
    for number, level in enumerate(levels(count)):
        here = [seen for part, span in placed if (seen := span.at(part, float(level))) is not None]
        window = slice(number, number + 1)
        flat = sample(here, grid)
        layers += [Layer(layer.part, (*layer.window, window), layer.share[..., None]) for layer in flat]
    return layers


def levels(count: int) -> NDArray[np.float64]:
    """(count,) levels, evenly spaced, half a step from either end."""
    return (2 * np.arange(count) + 1) / count - 1
