"""A heart in short axis, in end-diastole and in end-systole.

Frame of `SamplingGrid.picture`, x to the patient's left.
"""

from collections.abc import Sequence

import numpy as np

from bench.miniworld.phantoms.geometry import Both, Carved, Field, Ripple, Shape, Shrunk, Union, blob, tube
from bench.miniworld.phantoms.rendering import Part, magnetic, visible
from bench.miniworld.phantoms.slices import shifted_values
from bench.miniworld.phantoms.sources.stacks import Placed, Span, Stack, spans, stacked

CHAMBERS = ("right_ventricle", "myocardium", "left_ventricle")
# Arbitrary units of a balanced steady-state sequence: blood and fat are bright.
CINE = {
    "air": 0, "fat": 720, "muscle": 210, "lung": 60, "marrow": 380, "liver": 330, "blood": 880, "myocardium": 270,
    "trabecula": 330,
}  # fmt: skip
WALLS_REACH, CHAMBERS_REACH = 1.8, 1.65  # levels from the widest slice to the apex
LEFT_EJECTED, RIGHT_EJECTED = 0.68, 0.8  # of a cavity's radius, at the end of systole
LIVER_REACH = {"liver": (-1.2, 1.6)}


def _thorax_parts(rng: np.random.Generator) -> list[Part]:
    """Chest wall, lungs, spine, descending aorta and dome of the liver."""
    a, b = rng.uniform(86, 96), rng.uniform(66, 76)
    skin = blob(rng, (0, 4), (a, b), 0.02, exponent=2.6)
    fat = rng.uniform(4, 10)
    within = Shrunk(skin, fat + 9)
    lungs = [
        Both(blob(rng, (side * 0.55 * a, 4), (0.36 * a, 0.78 * b), 0.08, turn=side * 8), within) for side in (-1, 1)
    ]
    return [
        Part("fat", skin),
        Part("muscle", Shrunk(skin, fat)),
        Part("fat", Shrunk(skin, fat + 7)),
        *(Part("lung", lung) for lung in lungs),
        Part("fat", blob(rng, (0, 0), (0.3 * a, 0.6 * b), 0.15)),
        Part("liver", Both(blob(rng, (-0.5 * a, 0.35 * b), (0.42 * a, 0.5 * b), 0.1), within)),
        Part("marrow", blob(rng, (0, 0.72 * b), (13, 11), 0.08, exponent=2.6)),
        Part("blood", blob(rng, (14, 0.5 * b), (6.5, 6.5), 0.06)),
    ]


def heart_frames(rng: np.random.Generator) -> list[list[Placed]]:
    """The same heart in end-diastole and in end-systole, in painting order; the classes are `CHAMBERS`."""
    size = rng.uniform(0.9, 1.2)
    middle = np.array((22.0, -2.0)) + rng.normal(0, 3, 2)
    outer = blob(rng, middle, rng.uniform(26, 30, 2) * size, 0.05, rng.uniform(0, 90))
    cavity = blob(rng, middle + rng.normal(0, 1, 2), rng.uniform(15, 19, 2) * size, 0.09, rng.uniform(0, 90))
    right = Union(
        [
            blob(
                rng,
                middle + np.array((-30 * size, 4)),
                rng.uniform((20, 21), (25, 26)) * size,
                0.12,
                rng.uniform(-30, 10),
            ),
            blob(rng, middle + size * np.array((-18, -19)), (18 * size, 12 * size), 0.15, rng.uniform(0, 35)),
        ],
        10,
    )
    angles = rng.uniform(0, 2 * np.pi) + np.array((0, 2.4))
    places = [middle + 10 * size * np.array((np.cos(angle), np.sin(angle))) for angle in angles]
    papillary = [blob(rng, place, rng.uniform(2.5, 4.5, 2), 0.2) for place in places]
    ends = rng.uniform((-46, -14), (-24, 22), (3, 2)) * size + middle
    bands = [tube(rng, [end, end + rng.normal(0, 6, 2), end + rng.normal(0, 9, 2)], [1.6, 2.2, 1.4]) for end in ends]
    walls, chambers = _heart_spans(rng, middle.astype(np.float32))
    beats = ((1.0, 1.0, outer), (LEFT_EJECTED, RIGHT_EJECTED, Shrunk(outer, 1.5)))
    return [
        _frame(wall, _smaller(cavity, left), _smaller(right, other), papillary, bands, (walls, chambers))
        for left, other, wall in beats
    ]


def _frame(
    wall: Shape, left: Shape, right: Shape, papillary: Sequence[Shape], bands: Sequence[Shape], spans: tuple[Span, Span]
) -> list[Placed]:
    """One frame: walls reach further down than chambers."""
    walls, chambers = spans
    room = Carved(right, wall)
    return [
        (Part("fat", Shrunk(Union([wall, right], 12), -5)), walls),
        (Part("myocardium", Shrunk(right, -2.5)), walls),
        (Part("blood", room, "right_ventricle"), chambers),
        *((Part("trabecula", Both(band, room), None, 0.7), chambers) for band in bands),
        (Part("myocardium", wall, "myocardium"), walls),
        (Part("blood", left, "left_ventricle"), chambers),
        *((Part("trabecula", Both(muscle, left), None, 0.8), chambers) for muscle in papillary),
    ]


def _heart_spans(rng: np.random.Generator, centre: Field) -> tuple[Span, Span]:
    """Of the walls and of the chambers, which move and ripple together; the apex lies below the lowest slice."""
    lean, wobble = rng.normal(0, 4, 2).astype(np.float32), Ripple.random(rng, 3, 60, 1.2)
    middle = rng.uniform(0.4, 0.7)
    walls, chambers = (Span(centre, middle, reach, lean, wobble) for reach in (WALLS_REACH, CHAMBERS_REACH))
    return walls, chambers


def _smaller(cavity: Shape, share: float) -> Shape:
    """A cavity of that share of its radius."""
    lower, upper = cavity.bounds
    return Shrunk(cavity, (1 - share) * float((upper - lower).min()) / 2)


def cine_frames(rng: np.random.Generator, side: int, count: int) -> list[Stack]:
    """The volumes of both frames, end-diastole first, with the masks of `CHAMBERS`.

    Args:
        rng: decides everything.
        side: of a slice in pixels.
        count: of slices.
    """
    around = spans(rng, _thorax_parts(rng), LIVER_REACH)
    values, shape = shifted_values(rng, CINE, 30), (side, side, count)
    noise, bias = rng.uniform(0.01, 0.04), rng.uniform(0.05, 0.25)
    drawn = [stacked([*around, *frame], side, side, count) for frame in heart_frames(rng)]
    return [
        Stack(magnetic(rng, layers, values, shape, noise, bias), visible(layers, CHAMBERS, shape)) for layers in drawn
    ]
