"""The generic training world: overlapping coloured objects, nothing medical."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.miniworld.phantoms.geometry import Bounds, Carved, Field, Ripple, Shape, Union, blob, tube
from bench.miniworld.phantoms.grid import SamplingGrid
from bench.miniworld.phantoms.rendering import Layer, Part, sample, texture, to_uint8
from bench.miniworld.phantoms.sample import TrainingSample

Vector = NDArray[np.floating]


@dataclass(frozen=True, slots=True, eq=False)
class Convex:
    """A convex polygon: where all half-planes overlap.

    Attributes:
        centre: (2,).
        normals: (K, 2) unit vectors, outwards.
        reach: (K,) distance of each edge from the centre.
        corner: radius of a circle that holds the polygon.
    """

    centre: Field
    normals: Field
    reach: Field
    corner: float

    @property
    def bounds(self) -> Bounds:
        """See `Shape`."""
        centre = self.centre.astype(np.float64)
        return centre - self.corner, centre + self.corner

    def distance(self, points: Field) -> Field:
        """See `Shape`; exact inside."""
        gaps: Field = (self.normals @ (points - self.centre[:, None]) - self.reach[:, None]).max(0)
        return gaps


def _polygon(rng: np.random.Generator, centre: Vector, size: float) -> Shape:
    count = rng.integers(3, 8)
    angles = (np.arange(count) + rng.uniform(-0.25, 0.25, count) + rng.random()) * 2 * np.pi / count
    reach = rng.uniform(0.45, 0.8, count) * size
    normals = np.stack([np.cos(angles), np.sin(angles)], -1).astype(np.float32)
    return Convex(np.asarray(centre, np.float32), normals, reach.astype(np.float32), 2.5 * size)


def _rounded(rng: np.random.Generator, centre: Vector, size: float) -> Shape:
    return blob(
        rng, centre, rng.uniform(0.4, 1, 2) * size, rng.uniform(0, 0.25), rng.uniform(0, 180), rng.uniform(2, 5)
    )


def _ring(rng: np.random.Generator, centre: Vector, size: float) -> Shape:
    hole = blob(rng, centre + rng.normal(0, 0.1 * size, 2), rng.uniform(0.25, 0.5, 2) * size, 0.1)
    return Carved(blob(rng, centre, rng.uniform(0.75, 1, 2) * size, 0.1, rng.uniform(0, 180)), hole)


def _band(rng: np.random.Generator, centre: Vector, size: float) -> Shape:
    return tube(rng, centre + rng.uniform(-1.4, 1.4, (3, 2)) * size, rng.uniform(0.1, 0.4, 3) * size, 0.08)


def _cluster(rng: np.random.Generator, centre: Vector, size: float) -> Shape:
    offsets = rng.normal(0, 0.5 * size, (3, 2))
    return Union([_rounded(rng, centre + offset, 0.6 * size) for offset in offsets], 0.2 * size)


KINDS: tuple[Callable[[np.random.Generator, Vector, float], Shape], ...] = (
    _polygon,
    _polygon,
    _rounded,
    _rounded,
    _ring,
    _band,
    _cluster,
)


def _surface(rng: np.random.Generator, grid: SamplingGrid, window: tuple[slice, ...]) -> Field:
    """Colours (h, w, 3) of a window: plain, shaded, striped or mottled."""
    points = grid.points(window)
    colour, other = rng.uniform(10, 245, (2, 3)).astype(np.float32)
    style = rng.integers(4)
    if style == 0:
        mix = np.zeros(points.shape[1], np.float32)
    elif style == 1:
        wave = rng.normal(0, 1, 2).astype(np.float32) * np.float32(rng.uniform(0.1, 0.6))
        mix = np.clip(3 * np.sin(wave @ points + rng.uniform(0, 6)), 0, 1) * np.float32(rng.uniform(0.2, 1))
    elif style == 2:
        slope = rng.normal(0, 1 / 80, 2).astype(np.float32)
        mix = np.clip(slope @ points + np.float32(rng.uniform(0, 1)), 0, 1) * np.float32(0.7)
    else:
        mix = np.clip(Ripple.random(rng, 2, rng.uniform(10, 50), 0.6)(points), 0, 1) * np.float32(0.5)
    colours: Field = colour + mix[:, None] * (other - colour)
    return colours.reshape(*(part.stop - part.start for part in window), 3)


def _paint(image: Field, layer: Layer, colours: Field) -> None:
    below = image[layer.window]
    below += layer.share[..., None] * (colours - below)


def _place(
    rng: np.random.Generator, grid: SamplingGrid, image: Field, owners: NDArray[np.int16], number: int
) -> tuple[str, NDArray[np.bool_]] | None:
    """Paints one object and marks its pixels; sometimes a part of it too, whose pixels are returned."""
    centre = (rng.uniform(-0.9, 0.9, 2) * np.abs(grid.affine[:2, 2])).astype(np.float32)
    size = float(np.exp(rng.uniform(np.log(9), np.log(65))))
    (layer,) = sample([Part("", KINDS[rng.integers(len(KINDS))](rng, centre, size))], grid)
    _paint(image, layer, _surface(rng, grid, layer.window))
    owners[layer.window][layer.share > 0.5] = number
    if size < 20 or rng.random() < 0.6:
        return None
    (part,) = sample([Part("", _rounded(rng, rng.normal(centre, 0.3 * size), 0.5 * size))], grid)
    inside = np.zeros(grid.shape, np.float32)
    inside[part.window] = part.share
    inside[owners != number] = 0
    _paint(image, Layer(part.part, part.window, inside[part.window]), _surface(rng, grid, part.window))
    return f"part{number}", inside > 0.5


def _developed(rng: np.random.Generator, image: Field) -> NDArray[np.uint8]:
    """Uneven light, grain and noise; one picture in ten is grey."""
    first, last = rng.uniform(0.7, 1.2, 2)
    light = np.linspace(first, last, image.shape[1], dtype=np.float32)[None, :, None]
    grain = texture(rng, image.shape[:2], rng.uniform(0.6, 2))[..., None] * np.float32(rng.uniform(2, 14))
    noise = rng.standard_normal(image.shape, np.float32) * np.float32(rng.uniform(0, 8))
    if rng.random() < 0.1:
        image = image.mean(-1, keepdims=True) + np.zeros(3, np.float32)
    return to_uint8(image * light + grain + noise, 0, 255)


def shape_sample(rng: np.random.Generator) -> TrainingSample:
    """One picture of overlapping objects.

    Args:
        rng: decides everything; the same state gives the same sample.

    Returns:
        (H, W, 3) uint8, 128 to 256 pixels per side, with "object<n>" masks (what is visible of each object,
        its parts included) and "part<n>" masks, each of at least 25 pixels.
    """
    height, width = (int(side) for side in rng.integers(128, 257, 2))
    grid = SamplingGrid.picture(height, width)
    image = _surface(rng, grid, (slice(0, height), slice(0, width)))
    owners = np.zeros((height, width), np.int16)
    count = int(rng.integers(3, 10))
    parts = [_place(rng, grid, image, owners, number) for number in range(1, count + 1)]
    masks = {f"object{number}": owners == number for number in range(1, count + 1)}
    masks.update({name: mask & masks[f"object{name[4:]}"] for name, mask in filter(None, parts)})
    kept = {name: mask for name, mask in masks.items() if mask.sum() >= 25}
    return TrainingSample(_developed(rng, image), kept, "shapes") if kept else shape_sample(rng)
