"""Projections and pictures for training: chest X-ray, dermoscopy, ultrasound.

Frame of `SamplingGrid.picture`: x to the right, y down, 100 units are half the shorter side.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from bench.miniworld.phantoms.geometry import Both, Field, Shape, Shrunk, Union, blob, tube
from bench.miniworld.phantoms.grid import SamplingGrid
from bench.miniworld.phantoms.rendering import Layer, Part, bias_field, composite, sample, texture, to_uint8, visible
from bench.miniworld.phantoms.sample import TrainingSample

CHEST = ("lung_right", "lung_left", "heart")
CHEST_VALUES = {
    "air": 10.0,
    "body": 175.0,
    "lung": 70.0,
    "bone": 225.0,
    "heart": 190.0,
    "spine": 205.0,
    "vessel": 130.0,
}
SKINS = np.array([[232, 190, 165], [215, 160, 140], [240, 205, 190], [190, 140, 110], [225, 170, 170]], np.float32)
LESIONS = np.array([[110, 70, 50], [80, 50, 45], [150, 95, 70], [60, 45, 50], [165, 100, 85]], np.float32)


def _lung(rng: np.random.Generator, half: tuple[float, float], side: int) -> Shape:
    a, b = half
    width, height = rng.uniform(0.3, 0.38) * a, rng.uniform(0.55, 0.75) * b
    x, y = side * rng.uniform(0.42, 0.48) * a, rng.uniform(-0.12, 0.02) * b
    return Union(
        [
            blob(rng, (x * 0.85, y - 0.3 * height), (0.75 * width, 0.75 * height), 0.08),
            blob(rng, (x * 1.05, y + 0.25 * height), (width, 0.75 * height), 0.08, turn=side * -8, exponent=3),
        ],
        15,
    )


def _ribs(rng: np.random.Generator, half: tuple[float, float], side: int) -> list[Shape]:
    """Arcs from the spine outwards and back down to the front."""
    bend = np.array([(0.08, 0), (0.8, 0.08), (0.5, 0.4)]) * half * (side, 1)
    tops = np.linspace(-0.75, 0.45, rng.integers(6, 9)) * half[1]
    return [tube(rng, bend + np.array((0, top)), [2.5, 3.5, 2], 0.1, pieces=3) for top in tops]


def _chest_parts(rng: np.random.Generator, half: tuple[float, float]) -> list[Part]:
    a, b = half
    body = blob(rng, (0, 0.3 * b), (0.97 * a, 1.15 * b), 0.03, exponent=3.5)
    lungs = {side: Both(_lung(rng, half, side), Shrunk(body, 0.06 * a)) for side in (-1, 1)}
    heart = Union(
        [
            blob(rng, (rng.uniform(0.08, 0.18) * a, 0.3 * b), (rng.uniform(0.25, 0.36) * a, 0.25 * b), 0.08, turn=25),
            blob(rng, (0, -0.2 * b), (0.1 * a, 0.4 * b), 0.1),
        ],
        25,
    )
    diaphragm = [
        blob(rng, (side * 0.5 * a, (0.98 + 0.05 * side) * b), (0.5 * a, rng.uniform(0.3, 0.45) * b), 0.04)
        for side in (-1, 1)
    ]
    parts = [Part("body", body)]
    for side, name in ((-1, "lung_right"), (1, "lung_left")):
        parts.append(Part("lung", lungs[side], name, rng.uniform(0.75, 1.0)))
        parts += [Part("vessel", Both(branch, lungs[side]), None, 0.4) for branch in _markings(rng, half, side)]
    parts += [Part("heart", heart, "heart", 0.95), *(Part("body", dome) for dome in diaphragm)]
    parts += [Part("bone", rib, None, 0.18) for side in (-1, 1) for rib in _ribs(rng, half, side)]
    collars = [
        tube(rng, [(s * 0.08 * a, -0.62 * b), (s * 0.4 * a, -0.72 * b), (s * 0.8 * a, -0.85 * b)], [4, 3, 4])
        for s in (-1, 1)
    ]
    parts += [Part("bone", Both(collar, body), None, 0.35) for collar in collars]
    return [*parts, Part("spine", tube(rng, [(0, -b), (0, 0), (0, b)], [7, 8, 9], 0.1), None, 0.3)]


def _markings(rng: np.random.Generator, half: tuple[float, float], side: int) -> list[Shape]:
    """Vessels that branch from the hilum."""
    a, b = half
    ends = rng.uniform((0.3 * a, -0.6 * b), (0.75 * a, 0.5 * b), (3, 2)) * (side, 1)
    root = np.array([side * 0.15 * a, 0.0])
    return [tube(rng, [root, (root + end) / 2 + rng.normal(0, 6, 2), end], [4, 2, 1], pieces=2) for end in ends]


def chest_xray(rng: np.random.Generator, shape: tuple[int, int]) -> TrainingSample:
    """A frontal chest radiograph; (H, W) uint8 with lungs and heart."""
    half = (100 * shape[1] / min(shape), 100 * shape[0] / min(shape))
    layers = sample(_chest_parts(rng, half), SamplingGrid.picture(*shape))
    values = {name: value + 12 * rng.standard_normal() for name, value in CHEST_VALUES.items()}
    image = composite(layers, values, shape) * bias_field(rng, shape, 0.12)
    image += 5 * texture(rng, shape, 1.5) + 5 * texture(rng, shape, 5) + rng.normal(0, rng.uniform(1, 6), shape)
    window = rng.uniform((0, 215), (40, 260))
    return TrainingSample(to_uint8(image.astype(np.float32), *window), visible(layers, CHEST, shape), "X-ray")


def _coloured(layers: Sequence[Layer], colours: Mapping[str, Field], shape: tuple[int, int]) -> Field:
    """(H, W, 3): `composite` for each channel."""
    channels = [
        composite(layers, {name: float(colour[c]) for name, colour in colours.items()}, shape) for c in range(3)
    ]
    return np.stack(channels, -1)


def _mole(rng: np.random.Generator, half: tuple[float, float]) -> list[Part]:
    """A lesion of some lobes with darker and paler patches."""
    centre = rng.uniform(-0.25, 0.25, 2) * half
    size = rng.uniform(18, 60)
    lobes = [
        blob(rng, centre + rng.normal(0, 0.3 * size, 2), rng.uniform(0.5, 1.0, 2) * size, 0.16, rng.uniform(0, 180))
        for _ in range(rng.integers(1, 4))
    ]
    lesion = Union(lobes, 0.3 * size)
    patches = [blob(rng, centre + rng.normal(0, 0.4 * size, 2), rng.uniform(0.2, 0.6, 2) * size, 0.3) for _ in range(4)]
    rim = Shrunk(lesion, -rng.uniform(2, 5))
    inner = [Part(f"patch{k % 2}", Both(patch, lesion), None, rng.uniform(0.3, 0.7)) for k, patch in enumerate(patches)]
    return [Part("rim", rim, opacity=0.5), Part("lesion", lesion, "lesion", rng.uniform(0.7, 1.0)), *inner]


def _hairs(rng: np.random.Generator, half: tuple[float, float]) -> list[Part]:
    ends = rng.uniform(-1.1, 1.1, (rng.integers(0, 7), 2, 2)) * half
    bends = ends.mean(1) + rng.normal(0, 12, (len(ends), 2))
    paths = [(first, bend, last) for (first, last), bend in zip(ends, bends, strict=True)]
    return [Part("hair", tube(rng, path, [0.9, 1.1, 0.8], 0), None, 0.8) for path in paths]


def dermoscopy(rng: np.random.Generator, shape: tuple[int, int]) -> TrainingSample:
    """A pigmented skin lesion under the dermatoscope; (H, W, 3) uint8."""
    half = (100 * shape[1] / min(shape), 100 * shape[0] / min(shape))
    layers = sample([*_mole(rng, half), *_hairs(rng, half)], SamplingGrid.picture(*shape))
    skin = SKINS[rng.integers(len(SKINS))] + rng.normal(0, 8, 3)
    lesion, dark, pale = (LESIONS[rng.integers(len(LESIONS))] + rng.normal(0, 10, 3) for _ in range(3))
    colours = {
        "air": skin,
        "rim": (skin + lesion) / 2,
        "lesion": lesion,
        "patch0": dark * 0.8,
        "patch1": (pale + skin) / 2,
    }
    image = _coloured(layers, {**colours, "hair": np.array([40.0, 30, 25])}, shape)
    grain = 6 * texture(rng, shape, 1.0) + 7 * texture(rng, shape, 4)
    image = (image + grain[..., None]) * bias_field(rng, shape, 0.12)[..., None]
    return TrainingSample(to_uint8(_vignetted(rng, image), 0, 255), visible(layers, ["lesion"], shape), "dermoscopy")


def _vignetted(rng: np.random.Generator, image: Field) -> Field:
    """Dark corners, as through a round lens, on a third of the pictures."""
    if rng.random() > 0.35:
        return image
    y, x = np.ogrid[-1 : 1 : image.shape[0] * 1j, -1 : 1 : image.shape[1] * 1j]
    return image * np.clip((rng.uniform(1.15, 1.4) - np.hypot(x, y)) * 8, 0, 1)[..., None].astype(np.float32)


def _scan_parts(rng: np.random.Generator, half: tuple[float, float]) -> list[Part]:
    a, b = half
    depths = np.sort(rng.uniform(-0.7, 0.9, 3)) * b
    sheets = [tube(rng, [(-1.1 * a, y), (0, y + rng.normal(0, 8)), (1.1 * a, y)], [4, 6, 4], 0.3) for y in depths]
    centre = rng.uniform((-0.45 * a, -0.35 * b), (0.45 * a, 0.3 * b))
    radii, down = rng.uniform(14, 34, 2), np.array((0, b))
    lobes = [blob(rng, centre + rng.normal(0, 6, 2), radii * rng.uniform(0.7, 1.1), 0.18, 15) for _ in range(2)]
    shadow = tube(rng, [centre, centre + down, centre + 2 * down], [radii[0] * 0.8] * 3, 0.1)
    lesion = Union(lobes, 8)
    return [
        *(Part("sheet", sheet) for sheet in sheets),
        Part("shadow" if rng.random() < 0.5 else "echo", shadow, opacity=0.5),
        Part("lesion", lesion, "lesion"),
    ]


def ultrasound(rng: np.random.Generator, shape: tuple[int, int]) -> TrainingSample:
    """A dark mass in speckled layers, half of them in a fan; (H, W) uint8."""
    half = (100 * shape[1] / min(shape), 100 * shape[0] / min(shape))
    layers = sample(_scan_parts(rng, half), SamplingGrid.picture(*shape))
    values = {"air": 95.0, "sheet": 150.0, "shadow": 40.0, "echo": 140.0, "lesion": rng.uniform(15, 50)}
    speckle = np.hypot(texture(rng, shape, 0.8), texture(rng, shape, 0.8))
    tissue = composite(layers, values, shape) * (1 + 0.25 * texture(rng, shape, 4))
    image = tissue * (0.35 + 0.55 * speckle) * bias_field(rng, shape, 0.2)
    masks = visible(layers, ["lesion"], shape)
    if rng.random() < 0.5:
        fan = _fan(shape)
        image, masks = image * fan, {"lesion": masks["lesion"] & fan}
    return TrainingSample(to_uint8(image.astype(np.float32), 0, 230), masks, "ultrasound")


def _fan(shape: tuple[int, int]) -> NDArray[np.bool_]:
    """The sector imaged by a curved probe."""
    y, x = np.ogrid[0 : 1 : shape[0] * 1j, -1 : 1 : shape[1] * 1j]
    radius = np.hypot(0.9 * x, y + 0.6)
    inside: NDArray[np.bool_] = (radius > 0.62) & (radius < 1.58) & (np.abs(x) < 0.72 * (y + 0.6))
    return inside
