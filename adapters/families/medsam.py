"""MedSAM: SAM's network for boxes, with an image preparation and an up-sampling of its own.

The image is squashed by cubic splines, cut to uint8 and spread over 0..1 by its own minimum and maximum; SAM's
standardisation of colours is left out. Probabilities, not logits, are brought to the original size. The score head
was not trained in fine-tuning, so there is no score. Points were never trained.
"""

from typing import ClassVar

import numpy as np
import torch

from adapters import geometry
from adapters.families.sam import SamEmbedding, SamSegmenter
from adapters.geometry import Frame
from adapters.interface import Image, Prompt
from adapters.pinned import to_device


class MedSamSegmenter(SamSegmenter):
    """MedSAM behind the `Segmenter` interface."""

    scored: ClassVar[bool] = False

    def prepare(self, image: Image) -> tuple[torch.Tensor, Frame]:
        """The network's input (3, side, side) in 0..1 of an (H, W, 3) uint8 image, and its frame."""
        frame = geometry.squash(image.shape[:2], self.side)
        resized = geometry.resize_cubic(image, frame.content).astype(np.float64)
        low, high = resized.min(), resized.max()
        unit = ((resized - low) / max(high - low, 1e-8)).astype(np.float32)
        return to_device(torch.from_numpy(unit), self.device).permute(2, 0, 1), frame

    def proposes_several(self, prompt: Prompt) -> bool:
        """Never: only the single mask was trained."""
        return False

    @torch.no_grad()
    def masks(self, encoded: SamEmbedding, logits: torch.Tensor) -> torch.Tensor:
        """Low-resolution logits (C, h, w) as (C, H, W) bool masks on the original grid."""
        return geometry.to_original(logits.sigmoid(), encoded.frame) > 0.5
