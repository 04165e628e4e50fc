"""MedicoSAM: SAM ViT-B tuned on medical images as a whole, for boxes, clicks and previous masks.

Pitfalls:

- Each channel is spread over 0..255 by its own minimum and maximum before SAM's preparation, as in micro-sam; so the
  colours of a picture shift, and an image of few grey values is seen with full contrast.
- The result is cut off to uint8, not rounded, and computed in float32; 1e-7 is added to the range. A channel of one
  value becomes 0.
- A state dict with SAM's keys is expected, strictly; the published file was not at hand. micro-sam keeps a decoder for
  automatic instance segmentation in a file of its own, which is not used.
- An earlier file of the authors has another address and another checksum (xxh128 beginning with 5be672f1).
- In the training of micro-sam a mask comes only together with clicks; a box with a previous mask alone is not trained.
- Not to be confused with MedSAM (`medsam/vit_b`). Which data sets were seen was not read, so the ledger says "unknown".
"""

import numpy as np
import torch

from adapters.families.sam import SamSegmenter
from adapters.geometry import Frame
from adapters.interface import Image


class MedicoSamSegmenter(SamSegmenter):
    """MedicoSAM behind the `Segmenter` interface."""

    def prepare(self, image: Image) -> tuple[torch.Tensor, Frame]:
        """The network's input (3, side, side) of an (H, W, 3) uint8 image, and where the image lies in it."""
        return super().prepare(spread_channels(image))


def spread_channels(image: Image) -> Image:
    """Each channel of an (H, W, 3) uint8 image spread over 0..255 by its own minimum and maximum."""
    shifted = image.astype(np.float32) - image.min(axis=(0, 1)).astype(np.float32)
    unit = shifted / (shifted.max(axis=(0, 1)) + np.float32(1e-7))
    spread: Image = (unit * 255).astype(np.uint8)
    return spread
