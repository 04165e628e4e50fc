"""MedSAM: SAM's network for boxes, with an image preparation and an up-sampling of its own.

The image is squashed by cubic splines, cut to uint8 and spread over 0..1 by its own minimum and maximum; SAM's
standardisation of colours would spoil it. Probabilities, not logits, are brought to the original size. The score head
got no loss in fine-tuning, so there is no score. Points were never trained.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import ClassVar

import numpy as np
import torch

from adapters import geometry
from adapters.families.sam import Encoded, Sam
from adapters.geometry import Frame
from adapters.interface import Card, Image, Prompt

OFFICIAL = Card(
    name="medsam/vit_b",
    title="MedSAM ViT-B",
    accepts=frozenset({"box", "points"}),
    trained=frozenset({frozenset({"box"})}),
    parameters=93_735_472,
    weights="medsam/vit_b",
    licence="Apache-2.0",
    source="bowang-lab/MedSAM at d71e8a1",
    citation="Ma et al., Segment anything in medical images, Nature Communications 15:654, 2024",
    trained_on="public medical sets of 10 modalities (1.57 million image-mask pairs)",
)
MINI = replace(
    OFFICIAL,
    name="medsam/mini",
    title="MedSAM mini",
    parameters=1_135_538,
    weights="medsam/mini",
    trained_on="mini MedSeg-HQ phantoms",
)


class MedSam(Sam):
    """MedSAM behind the `Segmenter` interface."""

    cards: ClassVar[Mapping[str, Card]] = {card.name: card for card in (OFFICIAL, MINI)}
    scored: ClassVar[bool] = False

    def prepare(self, image: Image) -> tuple[torch.Tensor, Frame]:
        """The network's input (3, side, side) in 0..1 of an (H, W, 3) uint8 image, and its frame."""
        frame = geometry.squash(image.shape[:2], self.side)
        resized = geometry.resize_cubic(image, frame.content).astype(np.float64)
        low, high = resized.min(), resized.max()
        unit = ((resized - low) / max(high - low, 1e-8)).astype(np.float32)
        return torch.from_numpy(unit).to(self.device).permute(2, 0, 1), frame

    def proposes_several(self, prompt: Prompt) -> bool:
        """Never: only the single mask was trained."""
        return False

    @torch.no_grad()
    def masks(self, encoded: Encoded, logits: torch.Tensor) -> torch.Tensor:
        """Low-resolution logits (C, h, w) as (C, H, W) bool masks on the original grid."""
        return geometry.to_original(logits.sigmoid(), encoded.frame) > 0.5
