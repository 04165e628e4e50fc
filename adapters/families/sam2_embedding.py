"""An image behind SAM 2's or SAM 3's encoder, as images and volumes are segmented from it."""

from dataclasses import dataclass

import torch

from adapters.geometry import Frame


@dataclass(frozen=True, slots=True, eq=False)
class Sam2Embedding:
    """An image behind SAM 2's or SAM 3's encoder.

    Attributes:
        embedding: (C, h, w) float32.
        details: finer feature maps, finest first: (C/8, 4h, 4w) and (C/4, 2h, 2w).
        frame: where the image lies in the network's input.
    """

    embedding: torch.Tensor
    details: tuple[torch.Tensor, ...]
    frame: Frame
