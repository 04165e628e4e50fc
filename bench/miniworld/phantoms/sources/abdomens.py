"""Abdomens as stacks of slices, in the style of the single slices that the mini networks have learned from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from bench.miniworld.phantoms.rendering import Layer, magnetic, tomographic, visible
from bench.miniworld.phantoms.slices import (
    ABDOMEN_T1,
    ABDOMEN_T2,
    HOUNSFIELD,
    ORGANS,
    abdomen_parts,
    half_size,
    shifted_values,
)
from bench.miniworld.phantoms.sources.spoiling import spoiled_slices
from bench.miniworld.phantoms.sources.stacks import Stack, spans, stacked

# Middle and reach along the body, in levels from -1 (low) to 1 (high).
REACHES = {
    "liver": (0.3, 1.5), "spleen": (0.4, 1.2), "stomach": (0.4, 1.2), "kidney_right": (-0.4, 1.1),
    "kidney_left": (-0.2, 1.1), "gallbladder": (-0.1, 0.9), "pancreas": (0.0, 0.9), "aorta": (0.0, 9.0),
    "inferior_vena_cava": (0.0, 9.0), "bowel": (-0.6, 1.0),
}  # fmt: skip
SEQUENCES: Mapping[str, Mapping[str, float]] = {
    "T1": ABDOMEN_T1,
    "T1 out of phase": {**ABDOMEN_T1, "fat": 560, "marrow": 300},
    "T2": ABDOMEN_T2,
}
CT_SPREAD, MR_SPREAD = 12, 50
LEAST_HU = -1024.0


@dataclass(frozen=True, slots=True)
class Scanner:
    """How a source's scans look.

    Attributes:
        height, width: of a slice in pixels.
        spacing_mm: between columns, between rows, between slices.
        axes: where the axes of a file point, as "LPS".
        phase: what the contrast agent adds to vessels and kidneys, in Hounsfield units.
        noise: deviation, in Hounsfield units; of MR as a share of the brightest tissue.
    """

    height: int
    width: int
    spacing_mm: tuple[float, float, float]
    axes: str = "LPS"
    phase: float = 0.0
    noise: tuple[float, float] = (0.01, 0.05)


def person(rng: np.random.Generator, scanner: Scanner, count: int) -> list[Layer]:
    """Layers of a person's abdomen on `count` slices; the classes are `ORGANS`, of which some are missing."""
    parts = abdomen_parts(rng, half_size((scanner.height, scanner.width)))
    return stacked(spans(rng, parts, REACHES), scanner.height, scanner.width, count)


def computed_tomography(rng: np.random.Generator, scanner: Scanner, count: int) -> Stack:
    """A CT in Hounsfield units, some slices of which are spoiled."""
    shape, layers = (scanner.height, scanner.width, count), person(rng, scanner, count)
    enhanced = {**HOUNSFIELD, **{name: HOUNSFIELD[name] + scanner.phase for name in ("vessel", "kidney")}}
    values = shifted_values(rng, enhanced, CT_SPREAD)
    image = tomographic(rng, layers, values, shape, rng.uniform(*scanner.noise)).clip(LEAST_HU)
    return Stack(spoiled_slices(rng, image), visible(layers, ORGANS, shape))


def magnetic_resonance(
    rng: np.random.Generator, scanner: Scanner, layers: Sequence[Layer], count: int, sequence: str
) -> Stack:
    """An MR of a person in one of `SEQUENCES`, some slices of which are spoiled."""
    shape = (scanner.height, scanner.width, count)
    values = shifted_values(rng, SEQUENCES[sequence], MR_SPREAD)
    image = magnetic(rng, layers, values, shape, rng.uniform(*scanner.noise), rng.uniform(0.05, 0.3))
    return Stack(spoiled_slices(rng, image), visible(layers, ORGANS, shape))
