"""A head in three dimensions, with strokes. Coordinates: RAS millimetres, origin in the middle of the brain."""

import numpy as np
from numpy.typing import NDArray

from bench.miniworld.phantoms.geometry import Both, Carved, Folds, Ripple, Shape, Shrunk, Union, blob, tube
from bench.miniworld.phantoms.rendering import Part

LESION = "lesion"

# Arbitrary units; ADC in 10^-3 mm^2/s.
DWI = {
    "air": 0, "scalp": 70, "skull": 15, "csf": 55, "grey": 400, "white": 340, "lesion": 820, "scar": 300,
    "artefact": 600,
}  # fmt: skip
ADC = {
    "air": 0, "scalp": 0.3, "skull": 0.1, "csf": 3.0, "grey": 0.88, "white": 0.76, "lesion": 0.42, "scar": 1.5,
    "artefact": 0.9,
}  # fmt: skip
FLAIR = {
    "air": 0, "scalp": 620, "skull": 60, "csf": 70, "grey": 420, "white": 330, "lesion": 610, "scar": 640,
    "artefact": 400,
}  # fmt: skip


def _infarct(rng: np.random.Generator, brain: Shape, centre: NDArray[np.float64]) -> Shape:
    """Part of a vascular territory: lobes that widen from the deep white matter towards the surface."""
    outward = np.array([centre[0], centre[1], 0.0]) / np.hypot(*centre[:2])
    steps = np.linspace(-0.5, 0.6, rng.integers(2, 5))
    lobes = [
        blob(
            rng,
            rng.normal(centre + outward * 24 * step, 4),
            rng.uniform(8, 14, 3) * (1 + 0.5 * step),
            0.2,
            rng.uniform(0, 180),
        )
        for step in steps
    ]
    return Both(Union(lobes, 8), Shrunk(brain, 1))


def _lacune(rng: np.random.Generator, brain: Shape, centre: NDArray[np.float64]) -> Shape:
    """A small lesion above, below or beside a place."""
    place = np.array([*rng.normal(centre[:2], 9), centre[2] + rng.uniform(-32, 32)])
    return Both(blob(rng, place, rng.uniform(3.5, 8, 3), 0.24, rng.uniform(0, 180)), Shrunk(brain, 1))


def _lesions(rng: np.random.Generator, brain: Shape, count: int) -> list[Shape]:
    """An infarct, or none, and small lesions around the same place."""
    angle = rng.uniform(-1.2, 1.2)
    across = rng.choice((-1, 1)) * np.cos(angle)
    centre = rng.uniform(34, 50) * np.array([across, 1.2 * np.sin(angle), 0]) + np.array([0, 0, rng.uniform(-10, 28)])
    large = [_infarct(rng, brain, centre)] if count == 1 or (count and rng.random() < 0.8) else []
    return large + [_lacune(rng, brain, centre) for _ in range(count - len(large))]


def _ventricles(rng: np.random.Generator) -> list[Shape]:
    wide = rng.uniform(0.8, 1.4)
    horns = [
        tube(
            rng,
            [(s * 10 * wide, 34, 4), (s * 8 * wide, 14, 14), (s * 13 * wide, -20, 16), (s * 24 * wide, -38, 2)],
            [5 * wide, 5 * wide, 6 * wide, 6 * wide],
            0.25,
        )
        for s in (-1, 1)
    ]
    third = blob(rng, (0, -2, -4), (2.2 * wide, 14, 10), 0.2)
    return [Union(horns, 3), third]


def _cortex(rng: np.random.Generator, brain: Shape) -> list[Part]:
    """Cortex, white matter that extends into it, and sulci."""
    rim = Carved(brain, Shrunk(brain, 16))
    fissure = blob(rng, (0, 0, 10), (1.6, 85, 70), 0.3)
    return [
        Part("grey", brain),
        Part("white", Folds(Shrunk(brain, 6), Ripple.random(rng, 3, 38, 5), 5)),
        Part("white", blob(rng, (0, 0, 5), (44, 60, 46), 0.1)),
        Part("csf", Folds(rim, Ripple.random(rng, 3, 34, 5), 0.8)),
        Part("csf", Both(Carved(fissure, blob(rng, (0, -2, -12), (30, 48, 40), 0.1)), brain)),
    ]


def head(rng: np.random.Generator, lesions: int) -> list[Part]:
    """Parts of a head with that many lesions, in painting order; the class of a lesion is `LESION`."""
    size = rng.uniform(0.94, 1.05)
    skin = blob(rng, (0, 0, 0), (78 * size, 97 * size, 98), 0.015, exponent=2.1)
    brain = Shrunk(skin, 13)
    nuclei = [blob(rng, (s * 22, 4, 4), (9, 19, 14), 0.15, turn=s * 12) for s in (-1, 1)]
    thalami = [blob(rng, (s * 10, -12, 2), (8, 12, 10), 0.15) for s in (-1, 1)]
    scars = [_lacune(rng, brain, np.array([s * 24.0, y, 16])) for s in (-1, 1) for y in (36, -40) if rng.random() < 0.6]
    return [
        Part("scalp", skin),
        Part("skull", Shrunk(skin, 5)),
        Part("csf", Shrunk(skin, 11)),
        *_cortex(rng, brain),
        *(Part("grey", nucleus) for nucleus in (*nuclei, *thalami)),
        *(Part("scar", scar) for scar in scars),
        Part("artefact", Both(blob(rng, (0, 64, -28), rng.uniform((8, 5, 5), (24, 12, 10)), 0.3), brain)),
        *(Part("lesion", lesion, LESION) for lesion in _lesions(rng, brain, lesions)),
        *(Part("csf", ventricle) for ventricle in _ventricles(rng)),
    ]
