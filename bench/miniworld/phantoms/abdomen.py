"""An upper abdomen in three dimensions. Coordinates: RAS millimetres, origin in front of the spine."""

import numpy as np

from bench.miniworld.phantoms.geometry import Blob, Both, Carved, Ripple, Shape, Shrunk, Union, blob, tube
from bench.miniworld.phantoms.rendering import Part

CLASSES = (
    "adrenal_gland_left",
    "adrenal_gland_right",
    "aorta",
    "colon",
    "duodenum",
    "gallbladder",
    "iliopsoas_left",
    "iliopsoas_right",
    "inferior_vena_cava",
    "kidney_left",
    "kidney_right",
    "liver",
    "pancreas",
    "spleen",
    "stomach",
)

# Arbitrary units of four kinds of sequence.
T1 = {
    "air": 0, "fat": 820, "muscle": 340, "bone": 80, "marrow": 460, "csf": 130, "liver": 520, "spleen": 360,
    "kidney": 390, "medulla": 300, "pancreas": 570, "adrenal": 400, "bowel": 380, "content": 250, "fluid": 190,
    "gas": 10, "vessel": 120,
}  # fmt: skip
T1_CONTRAST = {
    "air": 0, "fat": 260, "muscle": 330, "bone": 60, "marrow": 300, "csf": 120, "liver": 600, "spleen": 690,
    "kidney": 860, "medulla": 640, "pancreas": 560, "adrenal": 520, "bowel": 480, "content": 200, "fluid": 150,
    "gas": 10, "vessel": 900,
}  # fmt: skip
T2 = {
    "air": 0, "fat": 640, "muscle": 170, "bone": 50, "marrow": 330, "csf": 980, "liver": 270, "spleen": 470,
    "kidney": 560, "medulla": 680, "pancreas": 380, "adrenal": 300, "bowel": 400, "content": 620, "fluid": 950,
    "gas": 10, "vessel": 60,
}  # fmt: skip
T2_FAT_SATURATED = {**T2, "fat": 130, "marrow": 180, "adrenal": 350, "spleen": 560}
SEQUENCES = (T1, T2, T1_CONTRAST, T2_FAT_SATURATED)


def _wall(rng: np.random.Generator, a: float, b: float) -> tuple[list[Part], Shape]:
    """The body wall from skin to peritoneum, the spine, and the space inside."""
    skin = blob(rng, (0, 0, 0), (a, b, 600), 0.0, exponent=2.5)
    skin = Blob(skin.centre, skin.radii, skin.rotation, skin.exponent, Ripple.random(rng, 3, 220, 3.5))
    fat = rng.uniform(8, 24)
    within = Shrunk(skin, fat + 11)
    y = -0.5 * b
    backs = [blob(rng, (s * 32, y - 28, 0), (25, 17, 400), 0.1) for s in (-1, 1)]
    body = blob(rng, (0, y, 0), (22, 17, 400), 0.06)
    process = Union([blob(rng, (0, y - 30, 0), (5, 17, 400), 0.25), blob(rng, (0, y - 20, 0), (36, 5, 400), 0.25)], 6)
    parts = [
        Part("fat", skin),
        Part("muscle", Shrunk(skin, fat)),
        Part("fat", within),
        *(Part("muscle", back) for back in backs),
        Part("bone", Union([body, process], 5)),
        Part("marrow", Shrunk(body, 2.5)),
        Part("csf", blob(rng, (0, y - 21, 0), (9, 7, 400), 0.05)),
    ]
    return parts, within


def _liver(rng: np.random.Generator, b: float, within: Shape) -> list[Part]:
    right = blob(rng, (78, -4, 22), (58, 0.78 * b, rng.uniform(52, 66)), 0.08, exponent=2.5)
    left = blob(rng, (18, 46, 36), (rng.uniform(55, 80), 30, 26), 0.1, turn=rng.uniform(-5, 18))
    porta = blob(rng, (20, -4, -6), (26, 30, 34), 0.2)
    lap = blob(rng, (62, -42, -22), (30, 30, 42), 0.1)
    liver = Carved(Carved(Both(Union([right, left], 22), within), porta), lap)
    root, ends = np.array((30, 5, 22)), rng.uniform((30, -50, 0), (115, 50, 45), (6, 3))
    branches = [tube(rng, [root, rng.normal((end + root) / 2, 6), end], [6, 4, 2]) for end in ends]
    return [
        Part("liver", liver, "liver"),
        *(Part("vessel", Both(branch, Shrunk(liver, 3)), None, 0.7) for branch in branches),
    ]


def _spleen(rng: np.random.Generator, within: Shape) -> Part:
    body = blob(rng, (-104, -34, 22), (30, rng.uniform(40, 56), 36), 0.1, turn=-18)
    return Part("spleen", Both(Carved(body, blob(rng, (-76, -24, 20), (26, 34, 40), 0.15)), within), "spleen")


def _kidney(rng: np.random.Generator, side: int, name: str) -> list[Part]:
    z = -8 - side * 5 + rng.normal(0, 4)
    body = blob(rng, (side * 62, -46, z), (24, 29, 44), 0.08, turn=side * 25)
    hilum = blob(rng, (side * 44, -34, z), (17, 11, 20), 0.25, turn=side * 30)
    kidney = Carved(body, hilum)
    pyramids = [
        blob(rng, (side * 62 + dx, -46 + dy, z + dz), (6, 7, 8), 0.2) for dx, dy, dz in rng.normal(0, 9, (5, 3))
    ]
    return [
        Part("kidney", kidney, name),
        *(Part("medulla", Both(pyramid, Shrunk(kidney, 4)), None) for pyramid in pyramids),
    ]


def _adrenal(rng: np.random.Generator, side: int, name: str) -> Part:
    x, y = (40, -32) if side > 0 else (-38, -24)
    limbs = [
        blob(rng, (x + side * spread, y - 8, 24), (3.6, 14, 15), 0.18, turn=side * turn)
        for spread, turn in ((-3, 22), (6, -28))
    ]
    return Part("adrenal", Union(limbs, 3), name)


def _great_vessels(rng: np.random.Generator) -> list[Part]:
    aorta = tube(rng, [(-6, -20, 80), (-8, -22, 0), (-5, -20, -80)], rng.uniform(8.5, 11, 3), 0.1)
    cava = blob(rng, (22, -20, 0), (13, 8, 300), 0.2, turn=rng.uniform(-25, 25))
    return [Part("vessel", aorta, "aorta"), Part("vessel", cava, "inferior_vena_cava")]


def _psoas(rng: np.random.Generator, side: int, name: str) -> Part:
    path = [(side * 30, -50, 22), (side * 36, -46, -10), (side * 46, -38, -45), (side * 54, -28, -90)]
    return Part("muscle", tube(rng, path, [5, 13, 18, 21], 0.2), name)


def _hollow(rng: np.random.Generator, shape: Shape, name: str, wall_mm: float, contents: tuple[str, ...]) -> list[Part]:
    """A bowel segment with wall and content; both belong to the class."""
    return [Part("bowel", shape, name), Part(str(rng.choice(contents)), Shrunk(shape, wall_mm), None)]


def _gut(rng: np.random.Generator, b: float) -> list[Part]:
    """Loops of small bowel, colon, stomach and duodenum."""
    parts = []
    for _ in range(7):
        centre = rng.uniform((-80, 5, -60), (40, 0.55 * b, -15))
        path = centre + rng.normal(0, 22, (4, 3))
        parts += _hollow(rng, tube(rng, path, [10, 11, 10, 9], 0.15), "", 3, ("content", "bowel"))
    right = tube(rng, [(98, 0, -80), (100, 6, -40), (92, 22, -14)], [19, 21, 18], 0.22)
    front = 0.66 * b
    across = tube(
        rng, [(92, 22, -14), (55, front, -24), (0, front + 5, -30), (-55, front, -16), (-98, 18, 14)], [17] * 5, 0.22
    )
    left = tube(rng, [(-98, 18, 14), (-108, -16, -10), (-106, -12, -50), (-100, -5, -80)], [16, 15, 15, 15], 0.22)
    for piece in (right, across, left):
        parts += _hollow(rng, piece, "colon", 3, ("gas", "content", "content"))
    stomach = tube(
        rng, [(-58, -18, 56), (-72, 12, 34), (-52, 44, 12), (-8, 50, -2), (18, 40, 2)], [26, 30, 25, 17, 11], 0.14
    )
    duodenum = tube(
        rng,
        [(20, 38, 2), (44, 20, -6), (48, 4, -28), (30, -2, -44), (-4, 0, -46), (-26, 10, -34)],
        [12, 12, 12, 11, 11, 10],
        0.2,
    )
    return [
        *parts,
        *_hollow(rng, stomach, "stomach", 4, ("fluid", "content", "gas")),
        *_hollow(rng, duodenum, "duodenum", 3.5, ("content", "fluid", "bowel")),
    ]


def _pancreas(rng: np.random.Generator) -> Part:
    tail = rng.uniform(8, 26)
    path = [(32, 6, -20), (24, 12, -4), (-2, 16, 4), (-34, 6, 10), (-74, -20, tail)]
    return Part("pancreas", tube(rng, path, [13, 13, 9, 10, 7], 0.22, pieces=4), "pancreas")


def _gallbladder(rng: np.random.Generator) -> Part:
    path = [(36, 22, 12), (50, 38, 0), (62, 50, -18)]
    return Part("fluid", tube(rng, path, [6, 12, 15], 0.15), "gallbladder")


def trunk(rng: np.random.Generator) -> list[Part]:
    """Parts of an upper abdomen in painting order; the classes are `CLASSES`; one in five has no gallbladder."""
    a, b = rng.uniform(145, 162), rng.uniform(98, 116)
    wall, within = _wall(rng, a, b)
    return [
        *wall,
        _psoas(rng, -1, "iliopsoas_left"),
        _psoas(rng, 1, "iliopsoas_right"),
        *_liver(rng, b, within),
        _spleen(rng, within),
        *_kidney(rng, -1, "kidney_left"),
        *_kidney(rng, 1, "kidney_right"),
        _adrenal(rng, -1, "adrenal_gland_left"),
        _adrenal(rng, 1, "adrenal_gland_right"),
        *_gut(rng, b),
        *([_gallbladder(rng)] if rng.random() < 0.8 else []),
        _pancreas(rng),
        *_great_vessels(rng),
    ]
