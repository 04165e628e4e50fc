"""Single slices for training: abdomen (CT, T1, T2) and brain with a tumour (T1, T2, FLAIR).

Frame of `SamplingGrid.picture`: x to the right, y down, 100 units are half the shorter side.
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from bench.miniworld.phantoms.geometry import Both, Carved, Field, Folds, Ripple, Shape, Shrunk, Union, blob, tube
from bench.miniworld.phantoms.grid import SamplingGrid
from bench.miniworld.phantoms.rendering import Part, magnetic, sample, to_uint8, tomographic, visible
from bench.miniworld.phantoms.sample import TrainingSample

ORGANS = (
    "liver",
    "spleen",
    "kidney_right",
    "kidney_left",
    "stomach",
    "gallbladder",
    "pancreas",
    "aorta",
    "inferior_vena_cava",
)
BRAIN = ("tumour", "ventricles")

# Hounsfield units and arbitrary MR units; each sample shifts them a little.
HOUNSFIELD = {
    "air": -1000, "fat": -100, "muscle": 55, "bone": 420, "marrow": 200, "liver": 110, "spleen": 125, "kidney": 160,
    "stomach": 30, "gallbladder": 8, "pancreas": 85, "vessel": 150, "bowel": 40,
}  # fmt: skip
ABDOMEN_T1 = {
    "air": 0, "fat": 850, "muscle": 330, "bone": 90, "marrow": 480, "liver": 560, "spleen": 350, "kidney": 430,
    "stomach": 220, "gallbladder": 180, "pancreas": 590, "vessel": 150, "bowel": 360,
}  # fmt: skip
ABDOMEN_T2 = {
    "air": 0, "fat": 420, "muscle": 150, "bone": 60, "marrow": 260, "liver": 260, "spleen": 560, "kidney": 640,
    "stomach": 760, "gallbladder": 950, "pancreas": 400, "vessel": 60, "bowel": 450,
}  # fmt: skip
BRAIN_CONTRASTS = {
    "T1": {"air": 0, "scalp": 850, "skull": 70, "csf": 140, "grey": 430, "white": 600, "tumour": 340, "core": 240},
    "T2": {"air": 0, "scalp": 600, "skull": 60, "csf": 980, "grey": 560, "white": 400, "tumour": 760, "core": 880},
    "FLAIR": {"air": 0, "scalp": 520, "skull": 50, "csf": 90, "grey": 480, "white": 380, "tumour": 800, "core": 560},
}


def shifted_values(rng: np.random.Generator, values: Mapping[str, float], spread: float) -> dict[str, float]:
    """The contrast table with every tissue but air moved by a normal step of deviation `spread`."""
    return {name: value + (name != "air") * spread * rng.standard_normal() for name, value in values.items()}


def _liver(rng: np.random.Generator, a: float, b: float) -> Shape:
    right = blob(rng, (-0.52 * a, -0.05 * b), (0.36 * a, rng.uniform(0.45, 0.7) * b), 0.1, exponent=2.5)
    left = blob(rng, (-0.15 * a, -0.42 * b), (rng.uniform(0.25, 0.5) * a, 0.22 * b), 0.12, turn=rng.uniform(-10, 25))
    fissure = blob(rng, (-0.12 * a, 0.22 * b), (0.22 * a, 0.4 * b), 0.15)
    return Carved(Union([right, left], 18), fissure)


def _kidney(rng: np.random.Generator, a: float, b: float, side: int) -> Shape:
    x, y, size = side * rng.uniform(0.4, 0.52) * a, rng.uniform(0.3, 0.48) * b, rng.uniform(0.85, 1.2)
    body = blob(rng, (x, y), (0.15 * a * size, 0.24 * b * size), 0.08, turn=side * -20)
    hilum = blob(rng, (x - side * 0.13 * a, y - 0.03 * b), (0.09 * a, 0.06 * b), 0.2)
    return Carved(body, hilum) if rng.random() < 0.7 else body


def _spleen(rng: np.random.Generator, a: float, b: float) -> Shape:
    body = blob(rng, (0.72 * a, 0.12 * b), (0.2 * a, rng.uniform(0.25, 0.45) * b), 0.1, turn=rng.uniform(-35, 0))
    return Carved(body, blob(rng, (0.5 * a, 0.1 * b), (0.16 * a, 0.25 * b), 0.15))


def _stomach(rng: np.random.Generator, a: float, b: float) -> Shape:
    path = [(0.5 * a, -0.2 * b), (0.42 * a, -0.5 * b), (rng.uniform(-0.1, 0.2) * a, -0.55 * b)]
    return tube(rng, path, [0.24 * b, 0.2 * b, 0.12 * b], 0.14)


def _pancreas(rng: np.random.Generator, a: float, b: float) -> Shape:
    path = [(-0.2 * a, 0.02 * b), (0.0, -0.12 * b), (0.2 * a, rng.uniform(-0.15, 0) * b), (0.42 * a, 0.1 * b)]
    return tube(rng, path, [0.11 * b, 0.08 * b, 0.07 * b, 0.06 * b], 0.16)


def _organs(rng: np.random.Generator, a: float, b: float) -> dict[str, Shape]:
    """The organs of one slice in painting order, some of them missing."""
    shapes: dict[str, Shape] = {
        "liver": _liver(rng, a, b),
        "spleen": _spleen(rng, a, b),
        "stomach": _stomach(rng, a, b),
        "kidney_right": _kidney(rng, a, b, -1),
        "kidney_left": _kidney(rng, a, b, 1),
        "gallbladder": blob(rng, (-0.3 * a, -0.18 * b), (0.07 * a, 0.14 * b), 0.15, turn=rng.uniform(0, 60)),
        "pancreas": _pancreas(rng, a, b),
        "inferior_vena_cava": blob(rng, (-0.13 * a, 0.2 * b), (0.075 * a, 0.07 * b), 0.15),
        "aorta": blob(rng, (0.04 * a, 0.22 * b), (0.065 * a, 0.065 * a), 0.05),
    }
    return {name: shape for name, shape in shapes.items() if rng.random() < 0.75}


def _wall(rng: np.random.Generator, body: Shape, a: float, b: float) -> list[Part]:
    """Skin fat, muscle, fat of the cavity, spine and bowel."""
    fat = rng.uniform(0.03, 0.12) * a
    loops = [
        blob(rng, rng.uniform((-0.5 * a, -0.6 * b), (0.6 * a, 0.25 * b)), rng.uniform(0.07, 0.13, 2) * a, 0.2)
        for _ in range(rng.integers(3, 9))
    ]
    return [
        Part("fat", body),
        Part("muscle", Shrunk(body, fat)),
        Part("fat", Shrunk(body, fat + 0.07 * a)),
        Part("muscle", blob(rng, (-0.22 * a, 0.66 * b), (0.17 * a, 0.18 * b), 0.1)),
        Part("muscle", blob(rng, (0.22 * a, 0.66 * b), (0.17 * a, 0.18 * b), 0.1)),
        Part("bone", blob(rng, (0, 0.48 * b), (0.14 * a, 0.17 * b), 0.08, exponent=2.6)),
        Part("marrow", blob(rng, (0, 0.48 * b), (0.12 * a, 0.145 * b), 0.08, exponent=2.6)),
        Part("bone", tube(rng, [(-0.17 * a, 0.68 * b), (0, 0.72 * b), (0.17 * a, 0.68 * b)], [4, 7, 4], 0.2)),
        Part("stomach", blob(rng, (0, 0.69 * b), (0.045 * a, 0.04 * a), 0.05)),
        *(Part("bowel", loop) for loop in loops),
    ]


def abdomen_parts(rng: np.random.Generator, half: tuple[float, float]) -> list[Part]:
    """A slice of an abdomen in painting order, with most of `ORGANS`; vessels of the liver follow it without a label.

    Args:
        rng: decides everything.
        half: from `half_size`.
    """
    a = rng.uniform(0.85, 0.97) * half[0]
    b = min(rng.uniform(0.82, 0.95) * half[1], 0.95 * a)
    body = blob(rng, (0, 0), (a, b), 0.02, exponent=2.5)
    parts = _wall(rng, body, a, b)
    cavity = Shrunk(body, 0.16 * a)
    tissues = {"kidney_right": "kidney", "kidney_left": "kidney", "aorta": "vessel", "inferior_vena_cava": "vessel"}
    for name, shape in _organs(rng, a, b).items():
        inside = Both(shape, cavity) if name in ("liver", "spleen", "stomach") else shape
        parts.append(Part(tissues.get(name, name), inside, name))
        if name == "liver":
            branches = _branches(rng, (-0.5 * a, 0), 0.35 * a)
            parts += [Part("vessel", Both(branch, inside), None, 0.6) for branch in branches]
    return parts


def _branches(rng: np.random.Generator, root: tuple[float, float], reach: float) -> list[Shape]:
    """Some branches that start at a point."""
    angles = rng.uniform(0, 2 * np.pi, 4)
    ends = [(root[0] + reach * np.cos(angle), root[1] + reach * np.sin(angle)) for angle in angles]
    bends = [((root[0] + x) / 2 + rng.normal(0, 5), (root[1] + y) / 2 + rng.normal(0, 5)) for x, y in ends]
    return [tube(rng, [root, bend, end], [3, 2, 1]) for bend, end in zip(bends, ends, strict=True)]


def _finished(
    rng: np.random.Generator, image: NDArray[np.uint8], masks: dict[str, NDArray[np.bool_]], modality: str
) -> TrainingSample:
    """Random orientation: a tenth of the slices upside down, a fifth mirrored."""
    step = (slice(None, None, -1 if rng.random() < 0.1 else 1), slice(None, None, -1 if rng.random() < 0.2 else 1))
    turned = {name: np.ascontiguousarray(mask[step]) for name, mask in masks.items()}
    return TrainingSample(np.ascontiguousarray(image[step]), turned, modality)


def half_size(shape: tuple[int, int]) -> tuple[float, float]:
    """Half width and half height in the units of `SamplingGrid.picture`."""
    return 100 * shape[1] / min(shape), 100 * shape[0] / min(shape)


def abdomen(rng: np.random.Generator, shape: tuple[int, int], modality: str) -> TrainingSample:
    """An abdominal slice, modality "CT", "T1" or "T2"; (H, W) uint8 with the organs of `ORGANS` it shows."""
    grid = SamplingGrid.picture(*shape)
    layers = sample(abdomen_parts(rng, half_size(shape)), grid)
    if modality == "CT":
        image = tomographic(rng, layers, shifted_values(rng, HOUNSFIELD, 12), shape, rng.uniform(5, 25))
        low, high = (-160, 240) if rng.random() < 0.6 else (-rng.uniform(200, 1000), rng.uniform(250, 1000))
    else:
        values = shifted_values(rng, ABDOMEN_T1 if modality == "T1" else ABDOMEN_T2, 50)
        image = magnetic(rng, layers, values, shape, rng.uniform(0.01, 0.05), rng.uniform(0.05, 0.3))
        low, high = _percentiles(image)
    return _finished(rng, to_uint8(image, low, high), visible(layers, ORGANS, shape), modality)


def _percentiles(image: Field) -> tuple[float, float]:
    low, high = np.percentile(image, (0.5, 99.5))
    return float(low), float(high)


def _tumour(rng: np.random.Generator, brain: Shape, size: float) -> tuple[Shape, Shape]:
    """A mass of two or three lobes in the brain, and its core."""
    centre = rng.uniform((-0.5, -0.55), (0.5, 0.55)) * size
    lobes = [
        blob(rng, centre + rng.normal(0, 0.1 * size, 2), rng.uniform(0.1, 0.26, 2) * size, 0.2, rng.uniform(0, 180))
        for _ in range(rng.integers(1, 4))
    ]
    mass = Both(Union(lobes, 10), Shrunk(brain, 3))
    return mass, blob(rng, centre, rng.uniform(0.05, 0.14, 2) * size, 0.25)


def _brain_parts(rng: np.random.Generator, half: tuple[float, float]) -> list[Part]:
    size = 0.88 * min(half[0] / 0.82, half[1])
    head = blob(rng, (0, 0), (0.82 * size, size), 0.015, exponent=2.1)
    brain = Shrunk(head, 0.13 * size)
    rim = Carved(brain, Shrunk(brain, 0.2 * size))
    mass, core = _tumour(rng, brain, size)
    spread = rng.uniform(0.05, 0.14)
    horns = [
        tube(
            rng,
            [
                (side * spread * 1.6 * size, -0.3 * size),
                (side * spread * size, 0),
                (side * spread * 2 * size, 0.3 * size),
            ],
            [0.06 * size, 0.045 * size, 0.05 * size],
            0.25,
        )
        for side in (-1, 1)
    ]
    deep = [blob(rng, (side * 0.27 * size, -0.02 * size), (0.09 * size, 0.17 * size), 0.15) for side in (-1, 1)]
    return [
        Part("scalp", head),
        Part("skull", Shrunk(head, 0.05 * size)),
        Part("csf", Shrunk(head, 0.1 * size)),
        Part("grey", brain),
        Part("white", Folds(Shrunk(brain, 0.07 * size), Ripple.random(rng, 2, 0.5 * size, 5), 6)),
        Part("white", blob(rng, (0, 0), (0.5 * size, 0.65 * size), 0.12)),
        Part("csf", Folds(rim, Ripple.random(rng, 2, 0.45 * size, 5), 0.9)),
        Part("csf", blob(rng, (0, -0.5 * size), (1.2, 0.4 * size), 0.3)),
        Part("csf", blob(rng, (0, 0.6 * size), (1.2, 0.3 * size), 0.3)),
        *(Part("grey", nucleus) for nucleus in deep),
        Part("csf", Union(horns, 2), "ventricles"),
        Part("tumour", mass, "tumour"),
        *([Part("core", Both(core, mass), None)] if rng.random() < 0.6 else []),
    ]


def brain_tumour(rng: np.random.Generator, shape: tuple[int, int], modality: str) -> TrainingSample:
    """A brain slice with a tumour, modality "T1", "T2" or "FLAIR"; (H, W) uint8."""
    layers = sample(_brain_parts(rng, half_size(shape)), SamplingGrid.picture(*shape))
    values = shifted_values(rng, BRAIN_CONTRASTS[modality], 30)
    image = magnetic(rng, layers, values, shape, rng.uniform(0.01, 0.05), rng.uniform(0.05, 0.2))
    return _finished(rng, to_uint8(image, *_percentiles(image)), visible(layers, BRAIN, shape), modality)
