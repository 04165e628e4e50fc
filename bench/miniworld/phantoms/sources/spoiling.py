"""What goes wrong in real collections: some pictures are blurred, pale or noisy."""

import numpy as np
from scipy import ndimage

from bench.miniworld.phantoms.geometry import Field

SPOILED_SHARE = 0.15
BLUR_PX = 2.5
LEFT_CONTRAST = 0.15
NOISE = 0.1  # of the range


def spoiled(rng: np.random.Generator, picture: Field, low: float, high: float) -> Field:
    """The picture itself, or with a chance of `SPOILED_SHARE` one of three bad copies of it.

    Args:
        rng: decides.
        picture: (H, W) or (H, W, 3).
        low, high: values that no copy leaves.
    """
    if rng.random() >= SPOILED_SHARE:
        return picture
    kind = rng.integers(3)
    if kind == 0:
        bad = ndimage.gaussian_filter(picture, (BLUR_PX, BLUR_PX, 0)[: picture.ndim])
    elif kind == 1:
        bad = picture.mean() + LEFT_CONTRAST * (picture - picture.mean())
    else:
        bad = picture + rng.normal(scale=NOISE * (high - low), size=picture.shape)
    clipped: Field = np.clip(bad, low, high).astype(np.float32)
    return clipped


def spoiled_slices(rng: np.random.Generator, volume: Field) -> Field:
    """A volume (H, W, N) of which some slices are spoiled; its range stays as it is."""
    low, high = float(volume.min()), float(volume.max())
    return np.stack([spoiled(rng, plane, low, high) for plane in np.moveaxis(volume, -1, 0)], -1)
