"""Ragged regions that only the picture tells from their boxes: mosaics and scattered blots, brighter or darker."""

import numpy as np
from numpy.typing import NDArray
from scipy import fft, ndimage

from bench.miniworld.phantoms.sample import TrainingSample

Field = NDArray[np.float32]
Labels = NDArray[np.int32]

SIDE = 128
SMOOTHNESS_PX = 1.5, 18.0  # of the fields that regions are cut from: regions of 4 px to half the picture
MOSAIC_SHARE = 0.55  # of the layers; the others are scattered blots
LEAST_AREA_PX = 8
RING_PX = 2
LEAST_CONTRAST = 0.07
MOST_OBJECTS = 14
FREQUENCIES = 2 * np.pi**2 * (np.fft.fftfreq(SIDE)[:, None] ** 2 + np.fft.rfftfreq(SIDE)[None] ** 2)


def blot_sample(rng: np.random.Generator) -> TrainingSample:
    """One grey picture of irregular regions.

    Args:
        rng: decides everything; the same state gives the same sample.

    Returns:
        (128, 128, 3) uint8 with at most 14 masks "blot<n>", each one connected region of at least 8 pixels that
        differs from its surroundings.
    """
    while True:
        image, regions = _painted(rng)
        clean = ndimage.gaussian_filter(image, rng.uniform(0.25, 0.9))
        noise = float(rng.uniform(0, 0.07))
        masks = _distinct(rng, clean, regions, noise)
        if masks:
            break
    grain = rng.standard_normal((SIDE, SIDE), np.float32) if rng.random() < 0.6 else _fields(rng, 0.6, 1)[0]
    grey = _stretched(clean + np.float32(noise) * grain)
    named = {f"blot{number}": mask for number, mask in enumerate(masks, 1)}
    return TrainingSample(np.repeat(grey[..., None], 3, -1), named, "blots")


def _fields(rng: np.random.Generator, smoothness_px: float, count: int) -> Field:
    """(count, 128, 128) smooth random fields of unit deviation."""
    noise = rng.standard_normal((count, SIDE, SIDE), np.float32)
    damping = np.exp(-FREQUENCIES * smoothness_px**2).astype(np.float32)
    smooth: Field = fft.irfft2(fft.rfft2(noise) * damping, s=(SIDE, SIDE))
    unit: Field = smooth / smooth.std((1, 2), keepdims=True)
    return unit


def _painted(rng: np.random.Generator) -> tuple[Field, Labels]:
    """A picture of one to three layers in about 0..1, and which region each pixel belongs to (0 is ground)."""
    image = np.float32(rng.random()) + np.float32(0.12 * rng.random()) * _fields(rng, rng.uniform(6, 30), 1)[0]
    regions, count = np.zeros((SIDE, SIDE), np.int32), 0
    for layer in range(int(rng.integers(1, 4))):
        kinds = _layer(rng, within_window=layer > 0)
        one_grey = rng.random() < 0.5
        for kind in range(1, int(kinds.max()) + 1):
            pieces, number = ndimage.label(kinds == kind)
            if number:
                image = _laid_over(rng, image, pieces, number, one_grey)
                regions = np.where(pieces > 0, count + pieces, regions)
                count += number
    return image, regions


def _layer(rng: np.random.Generator, within_window: bool) -> Labels:
    """Kinds of region of one layer, 0 where the layer is transparent."""
    low, high = np.log(SMOOTHNESS_PX)
    smoothness_px = float(np.exp(rng.uniform(low, high)))
    style = rng.random()
    field = _fields(rng, smoothness_px, 1)[0]
    if rng.random() < 0.5:
        field = field + np.float32(rng.uniform(0.1, 0.45)) * _fields(rng, max(1.0, smoothness_px / 2.5), 1)[0]
    if style < 0.3:
        edges = np.quantile(field, np.sort(rng.uniform(0.08, 0.92, rng.integers(2, 5))))
        kinds = np.digitize(field, edges) + 1
    elif style < MOSAIC_SHARE:
        kinds = _fields(rng, smoothness_px, int(rng.integers(3, 6))).argmax(0) + 1
    else:
        kinds = field > np.quantile(field, rng.uniform(0.72, 0.97))
    if within_window and style < MOSAIC_SHARE:
        kinds = kinds * (_fields(rng, rng.uniform(10, 25), 1)[0] > rng.uniform(-0.3, 1.2))
    numbered: Labels = kinds.astype(np.int32)
    return numbered


def _laid_over(rng: np.random.Generator, image: Field, pieces: Labels, number: int, one_grey: bool) -> Field:
    greys = np.full(number + 1, rng.random()) if one_grey else rng.uniform(0, 1, number + 1)
    opacity = np.float32(rng.uniform(0.5, 1))
    paint = greys.astype(np.float32)[pieces]
    if rng.random() < 0.6:
        grain_px = float(np.exp(rng.uniform(np.log(0.6), np.log(5))))
        paint = paint + np.float32(rng.uniform(0, 0.12)) * _fields(rng, grain_px, 1)[0]
    return np.where(pieces > 0, image * (1 - opacity) + opacity * paint, image)


def _distinct(rng: np.random.Generator, clean: Field, regions: Labels, noise: float) -> list[NDArray[np.bool_]]:
    """Masks of regions that can be told from what surrounds them, small ones as likely as large ones."""
    windows = ndimage.find_objects(regions)
    areas = np.bincount(regions.ravel(), minlength=len(windows) + 1)[1:]
    order = np.argsort(-0.5 * np.log(areas + 1e-9) - rng.gumbel(size=len(windows)))
    masks: list[NDArray[np.bool_]] = []
    for index in order:
        if windows[index] is None:
            continue
        window = _widened(windows[index])
        piece = _largest_piece(regions[window] == index + 1)
        if piece.sum() >= LEAST_AREA_PX and _stands_out(clean[window], piece, noise):
            mask = np.zeros((SIDE, SIDE), bool)
            mask[window] = piece
            masks.append(mask)
        if len(masks) == MOST_OBJECTS:
            break
    return masks


def _widened(window: tuple[slice, ...]) -> tuple[slice, ...]:
    return tuple(slice(max(0, part.start - RING_PX), min(SIDE, part.stop + RING_PX)) for part in window)


def _largest_piece(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """What is left in one piece of a region that later layers have cut."""
    pieces, number = ndimage.label(mask)
    if number < 2:
        return mask
    largest: NDArray[np.bool_] = pieces == 1 + np.bincount(pieces.ravel())[1:].argmax()
    return largest


def _stands_out(clean: Field, piece: NDArray[np.bool_], noise: float) -> bool:
    ring = ndimage.binary_dilation(piece, iterations=RING_PX) & ~piece
    if not ring.any():
        return False
    contrast = abs(float(clean[piece].mean() - clean[ring].mean()))
    return contrast >= LEAST_CONTRAST + 1.2 * noise and contrast >= 0.6 * float(clean[ring].std())


def _stretched(image: Field) -> NDArray[np.uint8]:
    low, high = np.percentile(image, (0.5, 99.5))
    grey: NDArray[np.uint8] = (np.clip((image - low) / max(high - low, 1e-3), 0, 1) * 255).astype(np.uint8)
    return grey
