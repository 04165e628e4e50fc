"""Boxes anywhere with the ellipse as their target: how a decoder learns what a box means, on pictures.

The pictures are there so that the decoder does not learn to suppress them; brightness is read out meanwhile.
"""

import math

import torch
from torch import Tensor

from bench.miniworld.training.batches import PictureBatch
from bench.miniworld.training.pools import SIDE

SIDES_PX = 4.0, 100.0
OF_A_PICTURE = 3


def with_ellipses(batch: PictureBatch, generator: torch.Generator) -> PictureBatch:
    """The batch's pictures with the ellipses of random boxes, small ones as often as large ones, as their objects."""
    pictures, device = len(batch.images), batch.images.device
    owner = torch.arange(pictures, device=device).repeat_interleave(OF_A_PICTURE)
    boxes = _random_boxes(len(owner), generator)
    return PictureBatch(batch.images, owner, _ellipses(boxes), boxes, torch.zeros_like(owner))


def _random_boxes(count: int, generator: torch.Generator) -> Tensor:
    def rand(*shape: int) -> Tensor:
        return torch.rand(count, *shape, generator=generator, device=generator.device)

    low, high = map(math.log, SIDES_PX)
    sides = ((low + (high - low) * rand(1)).exp() * (rand(2) - 0.5).exp()).clamp(max=SIDE)
    corner = rand(2) * (SIDE - sides)
    return torch.cat([corner, corner + sides], 1)


def _ellipses(boxes: Tensor) -> Tensor:
    """(M, 128, 128) the ellipse of each box (M, 4), softened over one pixel."""
    centres = torch.arange(SIDE, device=boxes.device) + 0.5
    x0, y0, x1, y1 = boxes.T[:, :, None, None]
    x, y = (2 * centres - x0 - x1) / (x1 - x0), (2 * centres[:, None] - y0 - y1) / (y1 - y0)
    return ((1 - (x**2 + y**2).sqrt()) * torch.minimum(x1 - x0, y1 - y0) / 2 + 0.5).clamp(0, 1)
