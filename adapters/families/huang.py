"""Huang et al.: SAM whose decoder was tuned on COSMOS 1050K, with an intensity rule before SAM's preparation.

Boxes only. The single mask was trained; the paper's evaluation takes three candidates instead and keeps the one that
overlaps best with the reference, which is an oracle and not the adapter's business. The score head was not trained.
"""

from typing import ClassVar

import numpy as np
import torch

from adapters.families.sam import SamSegmenter
from adapters.geometry import Frame
from adapters.interface import Image, Prompt

LOWER_PERCENT, UPPER_PERCENT = 0.95, 99.5


class HuangSegmenter(SamSegmenter):
    """Huang et al.'s SAM behind the `Segmenter` interface."""

    scored: ClassVar[bool] = False

    def prepare(self, image: Image) -> tuple[torch.Tensor, Frame]:
        """The network's input (3, side, side) of an (H, W, 3) uint8 image, and where the image lies in it."""
        return super().prepare(stretch_intensities(image))

    def proposes_several(self, prompt: Prompt) -> bool:
        """Never: only the single mask was trained."""
        return False


def stretch_intensities(image: Image) -> Image:
    """Clip to the 0.95th and 99.5th percentile of all values and spread over 0..255; what was 0 stays 0.

    An image without contrast becomes 0. The lower percentile is 0.95, not 0.5: the authors' code says so twice.
    """
    low, high = np.percentile(image, (LOWER_PERCENT, UPPER_PERCENT))
    clipped = np.clip(image, low, high) - low
    stretched = clipped / max(high - low, 1e-8) * 255
    stretched[image == 0] = 0
    return stretched.astype(np.uint8)
