"""Losses of the original recipes, one value an object."""

import torch
import torch.nn.functional as F
from torch import Tensor


def dice_loss(logits: Tensor, target: Tensor) -> Tensor:
    """1 minus soft Dice over the last two axes, smoothed by one pixel."""
    probability = logits.sigmoid()
    overlap = 2 * (probability * target).sum((-2, -1))
    return 1 - (overlap + 1) / (probability.sum((-2, -1)) + target.sum((-2, -1)) + 1)


def cross_entropy(logits: Tensor, target: Tensor, balance: float = 0.0) -> Tensor:
    """Binary cross entropy over the last two axes.

    Args:
        logits: (..., h, w).
        target: (..., h, w) in 0..1.
        balance: 0 for the plain mean; 1 for the mean of foreground and background apart, half each. In the plain
            mean a small object does not count, and an untrained network learns to draw nothing.
    """
    target = target.expand_as(logits)
    entropy = F.binary_cross_entropy_with_logits(logits, target, reduction="none")
    sides = [(entropy * side).sum((-2, -1)) / side.sum((-2, -1)).clamp(min=1) for side in (target, 1 - target)]
    return balance * (sides[0] + sides[1]) / 2 + (1 - balance) * entropy.mean((-2, -1))


def iou(logits: Tensor, target: Tensor) -> Tensor:
    """Intersection over union of the thresholded masks over the last two axes; 1 if both are empty."""
    drawn, wanted = logits > 0, target > 0.5
    union = (drawn | wanted).sum((-2, -1))
    return torch.where(union > 0, (drawn & wanted).sum((-2, -1)) / union.clamp(min=1), 1.0)


def interactive_loss(logits: Tensor, scores: Tensor, target: Tensor, balance: float) -> Tensor:
    """SAM's loss with cross entropy for focal loss: Dice + cross entropy + squared error of the predicted IoU.

    Token 0 and the best of the three candidates learn the mask; all four learn their IoU.

    Args:
        logits: (B, 4, h, w).
        scores: (B, 4) predicted IoU.
        target: (B, 1, h, w) in 0..1.
        balance: of the cross entropy.

    Returns:
        (B,) losses.
    """
    mask = dice_loss(logits, target) + cross_entropy(logits, target, balance)
    score = (scores - iou(logits.detach(), target)).square().mean(1)
    return mask[:, 0] + mask[:, 1:].amin(1) + score


def chosen_loss(logits: Tensor, scores: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    """The loss of SAM-Med2D and IMIS-Net: of the three candidates only the one of the best predicted IoU learns.

    Args:
        logits: (B, 4, h, w).
        scores: (B, 4) predicted IoU.
        target: (B, 1, h, w) in 0..1.

    Returns:
        (B,) Dice + cross entropy + squared error of the predicted IoU, and the candidates (B, 1, h, w).
    """
    best = scores[:, 1:].argmax(1, keepdim=True) + 1
    chosen = logits.take_along_dim(best[..., None, None], 1)
    mask = dice_loss(chosen, target) + cross_entropy(chosen, target)
    score = (scores.take_along_dim(best, 1) - iou(chosen.detach(), target)).square()
    return (mask + score)[:, 0], chosen


def mean_dice(logits: Tensor, target: Tensor) -> float:
    """Mean Dice of the thresholded masks over all but the last two axes."""
    drawn, wanted = logits > 0, target > 0.5
    both, areas = (drawn & wanted).sum((-2, -1)), drawn.sum((-2, -1)) + wanted.sum((-2, -1))
    return float((2 * both / areas.clamp(min=1)).mean())


def box_loss(logits: Tensor, target: Tensor) -> Tensor:
    """The loss of MedSAM and of Huang et al., for token 0: Dice + cross entropy of (B, h, w) each, (B,) losses."""
    return dice_loss(logits, target) + cross_entropy(logits, target)
