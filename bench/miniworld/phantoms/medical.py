"""The in-domain training world: single pictures of many modalities with their objects."""

from collections.abc import Callable
from functools import partial

import numpy as np
from numpy.typing import NDArray

from bench.miniworld.phantoms.pictures import CHEST, chest_xray, dermoscopy, ultrasound
from bench.miniworld.phantoms.sample import TrainingSample
from bench.miniworld.phantoms.slices import BRAIN, ORGANS, abdomen, brain_tumour

SampleFunction = Callable[[np.random.Generator, tuple[int, int]], TrainingSample]

SAMPLE_FUNCTIONS: dict[str, tuple[SampleFunction, ...]] = {
    "CT": (partial(abdomen, modality="CT"),),
    "T1": (partial(abdomen, modality="T1"), partial(brain_tumour, modality="T1")),
    "T2": (partial(abdomen, modality="T2"), partial(brain_tumour, modality="T2")),
    "FLAIR": (partial(brain_tumour, modality="FLAIR"),),
    "X-ray": (chest_xray,),
    "dermoscopy": (dermoscopy,),
    "ultrasound": (ultrasound,),
}
MODALITIES = tuple(SAMPLE_FUNCTIONS)
LEAST_PX = 4
CLASSES: dict[str, tuple[str, ...]] = {
    "CT": ORGANS,
    "T1": ORGANS + BRAIN,
    "T2": ORGANS + BRAIN,
    "FLAIR": BRAIN,
    "X-ray": CHEST,
    "dermoscopy": ("lesion",),
    "ultrasound": ("lesion",),
}


def medical_sample(rng: np.random.Generator, modality: str | None = None) -> TrainingSample:
    """One picture with its masks, determined by the generator alone.

    Args:
        rng: decides everything; the same state gives the same sample.
        modality: one of `MODALITIES`; None draws one.

    Returns:
        A picture of 96 to 160 pixels per side, usually not square, with at least one mask
        of at least `LEAST_PX` pixels.

    Raises:
        ValueError: unknown modality.
    """
    chosen = modality if modality is not None else MODALITIES[rng.integers(len(MODALITIES))]
    if chosen not in SAMPLE_FUNCTIONS:
        raise ValueError(f"modality must be one of {', '.join(MODALITIES)}, got {modality!r}")
    functions = SAMPLE_FUNCTIONS[chosen]
    height, width = (int(side) for side in rng.integers(96, 161, 2))
    masks: dict[str, NDArray[np.bool_]] = {}
    while not masks:
        drawn = functions[rng.integers(len(functions))](rng, (height, width))
        masks = {name: mask for name, mask in drawn.masks.items() if mask.sum() >= LEAST_PX}
    return TrainingSample(drawn.image, masks, drawn.modality)
