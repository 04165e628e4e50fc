"""One contrast at first: which of two brightnesses is meant is learned after where the edge is."""

import torch
from torch import Tensor

from bench.miniworld.training.batches import PictureBatch

SURROUNDINGS_SHARE, SURROUNDINGS_PX = 0.25, 2.0
LEAST_DIFFERENCE = 0.04
LEAST_OBJECTS = 4


def mostly_bright(batch: PictureBatch, share: float, generator: torch.Generator) -> PictureBatch:
    """In a share of the pictures only objects of one contrast are left, and they are the brighter ones."""
    device = batch.images.device
    difference = _contrast(batch)
    votes = torch.zeros(len(batch.images), device=device).index_add_(0, batch.owner, difference.sign())
    sign = torch.where(votes < 0, -1.0, 1.0)
    affected = torch.rand(len(sign), generator=generator, device=device) < share
    inverted = affected & (sign < 0)
    images = torch.where(inverted[:, None, None, None], 1 - batch.images, batch.images)
    kept = ~affected[batch.owner] | (difference * sign[batch.owner] > LEAST_DIFFERENCE)
    if kept.sum() < LEAST_OBJECTS:
        kept = torch.ones_like(kept)
    chosen = batch.of(kept.nonzero()[:, 0])
    return PictureBatch(images, chosen.owner, chosen.masks, chosen.boxes, chosen.names)


def _contrast(batch: PictureBatch) -> Tensor:
    """(M,) mean brightness of each object minus that of its surroundings."""
    grey = batch.images.mean(1)[batch.owner]
    inside = (batch.masks > 0.5).float()
    around = _windows(batch.boxes, grey.shape[-1]) * (1 - inside)
    means = [(grey * part).sum((1, 2)) / part.sum((1, 2)).clamp(min=1) for part in (inside, around)]
    return means[0] - means[1]


def _windows(boxes: Tensor, side: int) -> Tensor:
    """(M, side, side) 1 in the boxes and a little around them."""
    place = torch.arange(side, device=boxes.device) + 0.5
    low, high = boxes[:, :2], boxes[:, 2:]
    margin = SURROUNDINGS_SHARE * (high - low) + SURROUNDINGS_PX
    within = (place > (low - margin)[..., None]) & (place < (high + margin)[..., None])
    return (within[:, 1, :, None] & within[:, 0, None, :]).float()
