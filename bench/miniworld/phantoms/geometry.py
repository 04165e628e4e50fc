"""Smooth, irregular shapes as implicit functions, in 2-D or 3-D.

A shape returns approximate signed distances, negative inside, in the unit of the points.
Points are (D, N) float32, one row per coordinate; distances are (N,).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import ndimage

Field = NDArray[np.float32]
Bounds = tuple[NDArray[np.float64], NDArray[np.float64]]
FAR = np.float32(1e3)
# Wavelengths of a ripple over its longest, and amplitudes (as the wavelengths) for unit deviation.
OCTAVES = np.geomspace(1.0, 0.35, 6).astype(np.float32)
LOUDNESS = OCTAVES * np.float32(np.sqrt(2 / np.square(OCTAVES).sum()))


def _total(rows: Sequence[Field]) -> Field:
    """Sum of the rows, element by element."""
    return reduce(np.add, rows)


def _dot(weights: Field, points: Field) -> Field:
    """Weighted sum of a few long rows: faster than a matrix product, and the same on every machine."""
    return _total([weight * row for weight, row in zip(weights, points, strict=True)])


class Shape(Protocol):
    """A region given by its signed distance."""

    @property
    def bounds(self) -> Bounds:
        """Lower and upper corner, each (D,), of a box that holds the inside."""
        ...

    def distance(self, points: Field) -> Field:
        """Signed distance, (N,), of points (D, N)."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Ripple:
    """A smooth random field: a sum of plane waves.

    Attributes:
        waves: (K, D) wave vectors, radians per unit.
        phases: (K,) radians.
        amplitudes: (K,); the field's standard deviation is about sqrt(sum(amplitudes**2) / 2).
    """

    waves: Field
    phases: Field
    amplitudes: Field

    @classmethod
    def random(cls, rng: np.random.Generator, ndim: int, wavelength: float, amplitude: float) -> "Ripple":
        """Waves of random direction, lengths from `wavelength` down to 0.35 of it, long ones stronger."""
        waves = rng.standard_normal((len(OCTAVES), ndim), np.float32)
        waves *= (2 * np.pi / wavelength / OCTAVES / np.sqrt((waves**2).sum(1)))[:, None]
        phases = rng.uniform(0, 2 * np.pi, len(OCTAVES)).astype(np.float32)
        return cls(waves, phases, LOUDNESS * np.float32(amplitude))

    def __call__(self, points: Field) -> Field:
        """The field, (N,), at points (D, N)."""
        total = np.zeros(points.shape[1], np.float32)
        for wave, phase, amplitude in zip(self.waves, self.phases, self.amplitudes, strict=True):
            total += amplitude * np.sin(_dot(wave, points) + phase)
        return total

    @property
    def peak(self) -> float:
        """An upper bound of the field's absolute value."""
        return float(self.amplitudes.sum())


@dataclass(frozen=True, slots=True, eq=False)
class Blob:
    """A superellipsoid with a rippled surface.

    Attributes:
        centre, radii: (D,).
        rotation: (D, D), rows are the axes the radii belong to.
        exponent: 2 is an ellipsoid, more is boxier.
        ripple: added to the distance.
    """

    centre: Field
    radii: Field
    rotation: Field
    exponent: float
    ripple: Ripple

    @property
    def bounds(self) -> Bounds:
        """See `Shape`."""
        reach = np.sqrt(((self.rotation * self.radii[:, None]) ** 2).sum(0))
        reach = reach * 2 ** max(0.0, 0.5 - 1 / self.exponent) * (1 + self.ripple.peak / self.radii.min())
        return self.centre - reach, self.centre + reach

    def distance(self, points: Field) -> Field:
        """See `Shape`; first-order distance to the superellipsoid, plus the ripple."""
        axes = self.rotation / self.radii[:, None]
        scaled = [np.abs(_dot(axis, points) - axis @ self.centre) for axis in axes]
        norm = _total([part**self.exponent for part in scaled]) ** (1 / self.exponent)
        slopes = [(part / radius) ** 2 for part, radius in zip(scaled, self.radii, strict=True)]
        slope = np.sqrt(_total(slopes)) + np.float32(1e-6)
        distance = norm * (norm - 1) / slope + self.ripple(points)
        return distance.astype(np.float32, copy=False)


@dataclass(frozen=True, slots=True, eq=False)
class Tube:
    """A curved tube of changing width with a rippled surface.

    Attributes:
        path: (N, D) points of its axis.
        radii: (N,).
        ripple: added to the distance.
    """

    path: Field
    radii: Field
    ripple: Ripple

    @property
    def bounds(self) -> Bounds:
        """See `Shape`."""
        reach = self.radii.max() + self.ripple.peak
        return self.path.min(0) - reach, self.path.max(0) + reach

    def distance(self, points: Field) -> Field:
        """See `Shape`; `FAR` away from the tube."""
        nearest = np.full(points.shape[1], FAR, np.float32)
        margin = self.ripple.peak + self.radii.max() + 5
        for a, b, start, end in zip(self.path, self.path[1:], self.radii, self.radii[1:], strict=False):
            axis = b - a
            reach = np.sqrt(axis @ axis) / 2 + margin
            middle = (a + b) / 2
            near = np.flatnonzero(_total([(row - x) ** 2 for row, x in zip(points, middle, strict=True)]) < reach**2)
            offset = points[:, near] - a[:, None]
            along = np.clip(_dot(axis, offset) / max(axis @ axis, np.float32(1e-6)), 0, 1)
            across = [(row - x * along) ** 2 for row, x in zip(offset, axis, strict=True)]
            gap = np.sqrt(_total(across)) - (start + along * (end - start))
            nearest[near] = np.minimum(nearest[near], gap)
        close = np.flatnonzero(nearest < FAR)
        nearest[close] += self.ripple(points[:, close])
        return nearest


@dataclass(frozen=True, slots=True, eq=False)
class Union:
    """The smooth union of shapes, blended over a width of `blend`."""

    shapes: Sequence[Shape]
    blend: float = 0.0

    @property
    def bounds(self) -> Bounds:
        """See `Shape`."""
        lower, upper = zip(*(shape.bounds for shape in self.shapes), strict=True)
        return np.min(lower, axis=0) - self.blend / 4, np.max(upper, axis=0) + self.blend / 4

    def distance(self, points: Field) -> Field:
        """See `Shape`."""
        merged = self.shapes[0].distance(points)
        for shape in self.shapes[1:]:
            other = shape.distance(points)
            overlap = np.clip(1 - np.abs(merged - other) / max(self.blend, 1e-6), 0, 1)
            merged = np.minimum(merged, other) - overlap**2 * np.float32(self.blend / 4)
        return merged


@dataclass(frozen=True, slots=True, eq=False)
class Both:
    """The intersection of two shapes."""

    shape: Shape
    frame: Shape

    @property
    def bounds(self) -> Bounds:
        """See `Shape`."""
        (a, b), (c, d) = self.shape.bounds, self.frame.bounds
        return np.maximum(a, c), np.minimum(b, d)

    def distance(self, points: Field) -> Field:
        """See `Shape`."""
        return np.maximum(self.shape.distance(points), self.frame.distance(points))


@dataclass(frozen=True, slots=True, eq=False)
class Carved:
    """A shape without the part that lies in `cutter`."""

    shape: Shape
    cutter: Shape

    @property
    def bounds(self) -> Bounds:
        """See `Shape`."""
        return self.shape.bounds

    def distance(self, points: Field) -> Field:
        """See `Shape`."""
        return np.maximum(self.shape.distance(points), -self.cutter.distance(points))


@dataclass(frozen=True, slots=True, eq=False)
class Shrunk:
    """A shape whose surface has moved inwards by `depth`."""

    shape: Shape
    depth: float

    @property
    def bounds(self) -> Bounds:
        """See `Shape`."""
        lower, upper = self.shape.bounds
        return lower + self.depth, upper - self.depth

    def distance(self, points: Field) -> Field:
        """See `Shape`."""
        return self.shape.distance(points) + np.float32(self.depth)


@dataclass(frozen=True, slots=True, eq=False)
class Folds:
    """Thin curved sheets (furrows, stripes) inside a frame: where a ripple is near zero.

    Attributes:
        frame: what they are confined to.
        ripple: the field; its amplitude over its wavelength sets how thin the sheets are.
        width: value of the field at the sheets' surface.
    """

    frame: Shape
    ripple: Ripple
    width: float

    @property
    def bounds(self) -> Bounds:
        """See `Shape`."""
        return self.frame.bounds

    def distance(self, points: Field) -> Field:
        """See `Shape`."""
        sheets = np.abs(self.ripple(points)) - np.float32(self.width)
        return np.maximum(sheets, self.frame.distance(points))


def _rotation(ndim: int, degrees: float) -> Field:
    """Rotation of the first two axes."""
    turn = np.eye(ndim, dtype=np.float32)
    angle = np.deg2rad(degrees)
    turn[:2, :2] = [[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]]
    return turn


def blob(
    rng: np.random.Generator,
    centre: ArrayLike,
    radii: ArrayLike,
    roughness: float = 0.12,
    turn: float = 0.0,
    exponent: float = 2.0,
) -> Blob:
    """A random blob; roughness is the ripple's deviation over the mean radius, turn is in degrees."""
    place, extent = np.asarray(centre, np.float32), np.asarray(radii, np.float32)
    size = float(extent.mean())
    amplitude = roughness * min(size, 1.5 * float(extent.min()))
    ripple = Ripple.random(rng, len(place), 2.2 * size, amplitude)
    return Blob(place, extent, _rotation(len(place), turn), exponent, ripple)


def tube(
    rng: np.random.Generator,
    path: ArrayLike | Sequence[ArrayLike],
    radii: ArrayLike,
    roughness: float = 0.12,
    pieces: int = 3,
) -> Tube:
    """A random tube along a smooth curve through `path` (N, D); roughness as in `blob`; `pieces` per given step."""
    axis, width = np.asarray(path, np.float32), np.asarray(radii, np.float32)
    size = float(width.mean())
    ripple = Ripple.random(rng, axis.shape[1], 3.0 * size, roughness * size)
    steps = pieces * (len(axis) - 1) + 1
    knots = np.column_stack([axis, width])
    curve = ndimage.zoom(knots, (steps / len(axis), 1), order=2, mode="nearest")
    return Tube(curve[:, :-1], np.maximum(curve[:, -1], width.min()), ripple)
