"""An image behind SAM 2's or SAM 3's encoder, and the mask that is taken from the candidates drawn on it."""

from dataclasses import dataclass

import torch

from adapters import geometry
from adapters.geometry import Frame
from adapters.interface import Prediction

LARGEST_FEEDBACK = 32.0  # of the logits handed back, as in the authors' predictors


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


def on_original(logits: torch.Tensor, frame: Frame) -> torch.Tensor:
    """Low-resolution logits (C, h, w) as (C, H, W) bool masks on the original grid."""
    return geometry.to_original(logits, frame) > 0


def best_of(image: Sam2Embedding, logits: torch.Tensor, scores: torch.Tensor) -> Prediction:
    """The candidate that the network rates best.

    Args:
        image: that was asked for.
        logits: (C, h, w) of the candidates.
        scores: (C,) on the CPU.
    """
    best = int(scores.argmax())
    chosen = logits[best : best + 1]
    return Prediction(
        mask=on_original(chosen, image.frame)[0],
        score=float(scores[best]),
        logits=chosen[0],
        feedback=chosen.clamp(-LARGEST_FEEDBACK, LARGEST_FEEDBACK),
        candidate_logits=logits,
        candidate_scores=scores,
        selected=best,
    )
