"""The sources of the mini world's MedSeg-HQ: its phantoms, some of them spoiled as real collections are."""

import os
import shutil
import tempfile
from pathlib import Path

import numpy as np
from scipy import ndimage

from bench.miniworld.phantoms.medseg_hq import write_medseg_hq
from bench.miniworld.phantoms.sample import TrainingSample

SPOILED_SHARE = 0.15
BLUR_PX = 2.5
LEFT_CONTRAST = 0.15
NOISE = 60.0
SEED = 17


def write_sources(folder: Path, images: int) -> None:
    """Write one source per modality, about one picture in seven blurred, pale or noisy; nothing if they are there.

    Args:
        folder: appears when all is written.
        images: of each source.
    """
    if folder.exists():
        return
    folder.parent.mkdir(parents=True, exist_ok=True)
    unfinished = Path(tempfile.mkdtemp(dir=folder.parent))
    try:
        write_medseg_hq(unfinished, SEED, images, spoiled)
        os.replace(unfinished, folder)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def spoiled(sample: TrainingSample, rng: np.random.Generator) -> TrainingSample:
    """The sample, or one of three bad copies of its picture with the same masks."""
    if rng.random() >= SPOILED_SHARE:
        return sample
    picture = sample.image.astype(np.float64)
    kind = rng.integers(3)
    if kind == 0:
        picture = ndimage.gaussian_filter(picture, (BLUR_PX, BLUR_PX, 0)[: picture.ndim])
    elif kind == 1:
        picture = picture.mean() + LEFT_CONTRAST * (picture - picture.mean())
    else:
        picture = picture + rng.normal(scale=NOISE, size=picture.shape)
    return TrainingSample(np.clip(picture, 0, 255).astype(np.uint8), sample.masks, sample.modality)
