"""A chest in three dimensions. Coordinates: RAS millimetres, origin in the mediastinum below the carina."""

import numpy as np

from bench.miniworld.phantoms.geometry import Blob, Both, Carved, Folds, Ripple, Shape, Shrunk, Union, blob, tube
from bench.miniworld.phantoms.rendering import Part

ORGANS = ("esophagus", "heart", "trachea", "aorta")

HOUNSFIELD = {
    "air": -1000, "table": -600, "fat": -100, "muscle": 55, "bone": 380, "marrow": 180, "lung": -820, "vessel": 40,
    "heart": 90, "cavity": 160, "aorta": 165, "airway": -980, "wall": 40, "esophagus": 38,
}  # fmt: skip


def _chest_wall(rng: np.random.Generator, a: float, b: float) -> tuple[list[Part], Shape]:
    """The chest wall from skin to ribs, the spine, the table, and the space inside."""
    skin = blob(rng, (0, 0, 0), (a, b, 600), 0.0, exponent=2.6)
    skin = Blob(skin.centre, skin.radii, skin.rotation, skin.exponent, Ripple.random(rng, 3, 220, 3))
    fat = rng.uniform(8, 16)
    cage = Shrunk(skin, fat + 12)
    ribs = Folds(Carved(cage, Shrunk(cage, 7)), Ripple.random(rng, 3, 60, 5), 2.2)
    blades = [blob(rng, (s * 0.62 * a, -0.66 * b, 30), (42, 5, 60), 0.15, turn=s * -35) for s in (-1, 1)]
    parts = [
        Part("table", blob(rng, (0, -b - 14, 0), (150, 6, 600), 0.0, exponent=4)),
        Part("fat", skin),
        Part("muscle", Shrunk(skin, fat)),
        *(Part("bone", Both(blade, Shrunk(skin, fat))) for blade in blades),
        Part("bone", ribs),
        Part("bone", blob(rng, (0, b - fat - 18, 0), (16, 6, 120), 0.1)),
    ]
    return parts, Shrunk(cage, 8)


def _spine(rng: np.random.Generator, b: float) -> list[Part]:
    y = -0.55 * b
    body = blob(rng, (0, y, 0), (19, 17, 400), 0.06)
    process = blob(rng, (0, y - 32, 0), (5, 18, 400), 0.25)
    wings = blob(rng, (0, y - 22, 0), (32, 7, 400), 0.25)
    return [
        Part("bone", Union([body, process, wings], 6)),
        Part("marrow", Shrunk(body, 3)),
        Part("muscle", blob(rng, (0, y - 20, 0), (8, 8, 400), 0.05)),
    ]


def _lungs(rng: np.random.Generator, a: float, b: float, within: Shape) -> list[Part]:
    parts = []
    for side in (-1, 1):
        centre = (side * 0.44 * a, -2, 0)
        lung = Both(blob(rng, centre, (0.38 * a, 0.74 * b, 130), 0.06, turn=side * 6, exponent=2.8), within)
        parts.append(Part("lung", lung))
        ends = rng.uniform((0.2 * a, -0.6 * b, -60), (0.75 * a, 0.6 * b, 60), (14, 3)) * (side, 1, 1)
        root = np.array([side * 0.22 * a, -5.0, 0.0])
        bends = (root + ends) / 2 + rng.normal(0, 8, ends.shape)
        branches = [tube(rng, [root, bend, end], [5, 3, 1.5]) for bend, end in zip(bends, ends, strict=True)]
        parts += [Part("vessel", branch, opacity=0.8) for branch in branches]
    return parts


def _heart(rng: np.random.Generator) -> list[Part]:
    """Both halves in a common outline, with their blood."""
    size = rng.uniform(0.88, 1.1)
    left = blob(rng, (-30, 14, -36), (46 * size, 36 * size, 44), 0.12, turn=-25)
    right = blob(rng, (12, 22, -34), (34 * size, 34 * size, 42), 0.12)
    ear = blob(rng, (-22, 0, -16), (24, 20, 18), 0.15)
    cavities = [
        blob(rng, (-36, 12, -38), (24 * size, 18 * size, 28), 0.15, turn=-25),
        blob(rng, (12, 24, -34), (20 * size, 20 * size, 28), 0.15),
    ]
    whole = Union([left, right, ear], 14)
    sac = Shrunk(whole, -5)
    return [
        Part("fat", sac),
        Part("heart", whole, "heart"),
        *(Part("cavity", Both(cavity, Shrunk(whole, 6)), None, rng.uniform(0.4, 1.0)) for cavity in cavities),
    ]


def _vessels(rng: np.random.Generator) -> list[Part]:
    """Pulmonary trunk, upper vena cava, then the aorta with its arch."""
    trunk = tube(rng, [(-24, 26, 0), (-14, 12, 8), (4, 0, 5), (34, -8, 2)], [14, 13, 11, 8], 0.12)
    branch = tube(rng, [(-14, 12, 8), (-30, -8, 6), (-44, -14, 2)], [12, 10, 8], 0.12)
    cava = tube(rng, [(26, 14, 70), (26, 14, 20), (27, 10, -25)], [9, 10, 10], 0.2)
    top = rng.uniform(26, 34)
    path = [
        (2, 12, -6), (12, 20, 10), (6, 12, top - 4), (-8, -4, top), (-20, -28, top - 6), (-23, -40, 0), (-18, -42, -40),
        (-12, -44, -80),
    ]  # fmt: skip
    aorta = tube(rng, path, [15, 15, 14, 13.5, 13, 12, 11.5, 11], 0.13, pieces=4)
    necks = [tube(rng, [(x, y, top + 5), (x * 1.3, y, top + 60)], [5, 5]) for x, y in ((10, 8), (-8, -2), (-16, -14))]
    return [
        *(Part("vessel", vessel) for vessel in (trunk, branch, cava, *necks)),
        Part("aorta", aorta, "aorta"),
    ]


def _airways_and_gullet(rng: np.random.Generator) -> list[Part]:
    """The esophagus behind the trachea and against it; the main bronchi belong to no class."""
    carina = rng.uniform(4, 12)
    pipe = tube(rng, [(3, -12, 90), (2, -14, 45), (0, -16, carina)], [10, 9.5, 11], 0.1)
    back = blob(rng, (2, -30, 50), (10, 10, 90), 0.1)
    trachea = Carved(pipe, back)
    bronchi = [
        tube(rng, [(0, -16, carina + 4), (s * 22, -18, carina - 14), (s * 48, -20, carina - 24)], [8, 7, 6])
        for s in (-1, 1)
    ]
    gullet = tube(
        rng,
        [(-3, -29, 90), (-5, -32, 40), (-6, -34, 5), (-4, -33, -30), (-12, -26, -80)],
        rng.uniform(6.5, 9.5, 5),
        0.28,
        pieces=4,
    )
    lumen = Shrunk(gullet, 6)
    return [
        Part("fat", blob(rng, (-2, -24, 20), (30, 26, 120), 0.15)),
        *(Part("wall", Shrunk(bronchus, -2)) for bronchus in bronchi),
        *(Part("airway", bronchus) for bronchus in bronchi),
        Part("esophagus", gullet, "esophagus"),
        *([Part("airway", lumen, None)] if rng.random() < 0.4 else []),
        Part("wall", Shrunk(trachea, -1.5), None),
        Part("airway", trachea, "trachea"),
    ]


def chest(rng: np.random.Generator) -> list[Part]:
    """Parts of a chest in painting order; the classes are `ORGANS`."""
    a, b = rng.uniform(138, 152), rng.uniform(100, 112)
    wall, within = _chest_wall(rng, a, b)
    gullet = _airways_and_gullet(rng)
    return [
        *wall,
        Part("fat", within),
        *_lungs(rng, a, b, within),
        Part("fat", blob(rng, (0, 8, 0), (32, 0.62 * b, 200), 0.12)),
        *_spine(rng, b),
        gullet[0],
        *_heart(rng),
        *_vessels(rng),
        *gullet[1:],
    ]
