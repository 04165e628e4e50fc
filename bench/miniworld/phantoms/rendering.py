"""From shapes to pictures: partial volume, texture, bias field, noise."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from bench.miniworld.phantoms.geometry import Field, Ripple, Shape
from bench.miniworld.phantoms.grid import SamplingGrid


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """One structure of a scene; later parts cover earlier ones.

    Attributes:
        tissue: what it looks like, a key of the contrast table.
        shape: where it is.
        label: class it belongs to; "" for background, None to leave the classes below as they are.
        opacity: 1 covers what lies below.
    """

    tissue: str
    shape: Shape
    label: str | None = ""
    opacity: float = 1.0


@dataclass(frozen=True, slots=True, eq=False)
class Layer:
    """A part sampled on a grid: the share of each voxel of `window` it fills."""

    part: Part
    window: tuple[slice, ...]
    share: Field


def _sample(part: Part, grid: SamplingGrid) -> Layer:
    window = grid.window(part.shape.bounds)
    share = np.zeros([axis.stop - axis.start for axis in window], np.float32)
    if share.size:
        for shift in grid.shifts:
            distance = part.shape.distance(grid.points(window, shift)).reshape(share.shape)
            share += np.clip(0.5 - distance / np.float32(grid.sharpness), 0, 1) / np.float32(grid.slabs)
    return Layer(part, window, share)


def sample(parts: Iterable[Part], grid: SamplingGrid) -> list[Layer]:
    """The parts on a grid, in painting order."""
    return [_sample(part, grid) for part in parts]


def composite(layers: Sequence[Layer], values: Mapping[str, float], shape: tuple[int, ...]) -> Field:
    """Mixes the tissues' values by the share of each voxel that they fill; "air" is the background."""
    image = np.full(shape, values["air"], np.float32)
    for layer in layers:
        below = image[layer.window]
        below += layer.share * np.float32(layer.part.opacity) * (values[layer.part.tissue] - below)
    return image


def visible(layers: Sequence[Layer], names: Sequence[str], shape: tuple[int, ...]) -> dict[str, NDArray[np.bool_]]:
    """One mask per name: voxels more than half filled by a part of that class and not covered by later parts."""
    numbers = {"": 0, **{name: number for number, name in enumerate(names, 1)}}
    labels = np.zeros(shape, np.int16)
    for layer in layers:
        if layer.part.label is not None:
            labels[layer.window][layer.share > 0.5] = numbers[layer.part.label]
    return {name: labels == numbers[name] for name in names}


def texture(rng: np.random.Generator, shape: tuple[int, ...], sigma: float) -> Field:
    """Correlated noise of unit deviation; sigma in pixels of the two longest axes, less along the shortest."""
    blur = [sigma if size >= sorted(shape)[-2] else sigma / 4 for size in shape]
    field = ndimage.gaussian_filter(rng.standard_normal(shape, np.float32), blur, mode="wrap", truncate=2.5)
    unit: Field = field / max(float(field.std()), 1e-6)
    return unit


def bias_field(rng: np.random.Generator, shape: tuple[int, ...], strength: float) -> Field:
    """Slowly changing positive gain around 1; strength is the deviation of its logarithm."""
    axes = [np.linspace(-1, 1, size, dtype=np.float32) for size in shape]
    points = np.stack([row.ravel() for row in np.meshgrid(*axes, indexing="ij")])
    return np.exp(Ripple.random(rng, len(shape), 5.0, strength)(points)).reshape(shape)


def rician(rng: np.random.Generator, image: Field, sigma: float) -> Field:
    """Magnitude of a complex signal with Gaussian noise of deviation sigma in each channel."""
    real = image + sigma * rng.standard_normal(image.shape, np.float32)
    magnitude: Field = np.hypot(real, sigma * rng.standard_normal(image.shape, np.float32))
    return magnitude


def magnetic(
    rng: np.random.Generator,
    layers: Sequence[Layer],
    values: Mapping[str, float],
    shape: tuple[int, ...],
    noise: float = 0.03,
    bias: float = 0.12,
) -> Field:
    """A magnitude MR image; noise is relative to the brightest tissue, bias as in `bias_field`."""
    clean = composite(layers, values, shape)
    clean *= 1 + 0.06 * texture(rng, shape, 1.2) + 0.05 * texture(rng, shape, 4.0)
    return rician(rng, clean * bias_field(rng, shape, bias), noise * max(values.values()))


def tomographic(
    rng: np.random.Generator,
    layers: Sequence[Layer],
    values: Mapping[str, float],
    shape: tuple[int, ...],
    noise: float = 15.0,
) -> Field:
    """A CT image in Hounsfield units: soft texture outside air, and streaky Gaussian noise."""
    clean = composite(layers, values, shape)
    tissue = np.clip((clean + 900) / 800, 0, 1)
    grain = 0.6 * texture(rng, shape, 0.7) + 0.8 * rng.standard_normal(shape, np.float32)
    image = clean + tissue * 10 * texture(rng, shape, 2.5) + np.float32(noise) * grain
    return image.astype(np.float32, copy=False)


def to_uint8(image: Field, low: float, high: float) -> NDArray[np.uint8]:
    """Linear window [low, high] to 0..255."""
    scaled = (image - np.float32(low)) * np.float32(255 / max(high - low, 1e-6))
    levels: NDArray[np.uint8] = np.clip(np.rint(scaled), 0, 255).astype(np.uint8)
    return levels
