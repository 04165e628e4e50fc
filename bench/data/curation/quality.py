"""The five criteria of MedSeg-HQ: clarity, contrast and entropy of an image, foreground ratio and regions of a mask.

The paper names the criteria and gives no formulas; these are the usual ones. Images are judged on the box around their
pixels above zero, so that black padding counts for nothing, and at one size: those with a longer side than 512 pixels
are reduced by a whole number (the mean over blocks), others stay as they are, since enlarging would blur them.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from bench.data.case import Mask
from bench.data.components import components

LONGEST_SIDE = 512
LUMA = np.array([0.299, 0.587, 0.114], np.float32)  # ITU-R BT.601


@dataclass(frozen=True, slots=True)
class ImageQuality:
    """Criteria of an image; higher is better for each.

    Attributes:
        clarity: variance of the Laplacian, in squared units of the full intensity range, at least 0.
        contrast: root mean square deviation from the mean, in units of the full range, 0 to 0.5.
        entropy: of the histogram of 256 grey levels, in bits, 0 to 8.
    """

    clarity: float
    contrast: float
    entropy: float


@dataclass(frozen=True, slots=True)
class MaskQuality:
    """Criteria of a mask.

    Attributes:
        foreground_ratio: area of the mask divided by that of the image, 0 to 1.
        regions: number of 8-connected components.
        largest_share: area of the largest region divided by that of the mask, 0 to 1; 0 for an empty mask.
        smallest_px: area of the smallest region in pixels; 0 for an empty mask.
    """

    foreground_ratio: float
    regions: int
    largest_share: float
    smallest_px: int


def image_quality(image: NDArray[np.uint8]) -> ImageQuality:
    """The criteria of an image (H, W) or (H, W, 3) of 0..255; all of them are 0 for a constant image.

    Source: clarity by Pech-Pacheco et al., ICPR 2000 (operator LAPV of Pertuz et al., Pattern Recognition 46, 2013);
    contrast by Peli, JOSA A 7 (1990) 2032; entropy by Shannon (1948).
    """
    grey = judged(image)
    return ImageQuality(clarity(grey), float(grey.std(dtype=np.float64)), entropy(grey))


def judged(image: NDArray[np.uint8]) -> NDArray[np.float32]:
    """What of an image is judged, as grey values in [0, 1]; see the head of this module."""
    grey = grey_levels(image)
    rows, columns = (np.flatnonzero(grey.any(axis=axis)) for axis in (1, 0))
    if rows.size:
        grey = grey[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    factor = -(-max(grey.shape) // LONGEST_SIDE)
    if factor > 1:
        grey = np.asarray(Image.fromarray(grey).reduce(factor))
    return grey / np.float32(255)


def grey_levels(image: NDArray[np.uint8]) -> NDArray[np.float32]:
    """The luma (H, W) of an image in 0..255."""
    return image.astype(np.float32) @ LUMA if image.ndim == 3 else image.astype(np.float32)


def clarity(grey: NDArray[np.float32]) -> float:
    """Variance of the Laplacian (4 neighbours, borders reflected) of an image (H, W) in [0, 1].

    Example:
        >>> clarity(np.zeros((8, 8), np.float32))
        0.0
    """
    return float(ndimage.laplace(grey, mode="reflect").var(dtype=np.float64))


def entropy(grey: NDArray[np.float32]) -> float:
    """Shannon entropy in bits of the 256-bin histogram of an image (H, W) in [0, 1]; empty bins count for nothing.

    Example:
        >>> entropy(np.array([[0.0, 1.0], [0.0, 1.0]], np.float32))
        1.0
    """
    counts = np.bincount(np.rint(grey * 255).astype(np.uint8).ravel(), minlength=256)
    shares = counts[counts > 0] / grey.size
    return float(np.sum(shares * np.log2(1 / shares)))


def mask_quality(mask: Mask) -> MaskQuality:
    """The criteria of a mask (H, W) on the image's own grid.

    Example:
        >>> mask_quality(np.array([[True, False, True]]))
        MaskQuality(foreground_ratio=0.6666666666666666, regions=2, largest_share=0.5, smallest_px=1)
    """
    labels, count = components(mask)
    if not count:
        return MaskQuality(0.0, 0, 0.0, 0)
    areas = np.bincount(labels.ravel())[1:]
    area = int(areas.sum())
    return MaskQuality(area / mask.size, count, int(areas.max()) / area, int(areas.min()))
