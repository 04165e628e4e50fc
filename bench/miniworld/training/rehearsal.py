"""Before any image: a decoder learns where a box is, on embeddings of pure noise.

Training from nothing spends most of its steps on finding out what a box means. That needs no image and
no encoder, so it is learned first, at a small part of the cost of a step with images.
"""

from dataclasses import dataclass

import torch
from sam2.modeling.sam2_base import SAM2Base
from segment_anything.modeling import Sam
from torch import Tensor
from tqdm import trange

from adapters.families.small_networks import IMAGE_SIZE, MASK_SIDE
from bench.miniworld.training.descent import WEIGHT_DECAY, descend
from bench.miniworld.training.interaction import boxed
from bench.miniworld.training.losses import interactive_loss
from bench.miniworld.training.networks import embed, propose

OBJECTS = 24
WARM_UP_SHARE = 0.03
BALANCED_SHARE = 0.5  # of the steps: a cross entropy balanced less and less
SIDES_PX = 6.0, 200.0


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """How long and how fast.

    Attributes:
        steps: of the optimiser; 0 leaves the network as it is.
        rate: highest learning rate.
    """

    steps: int
    rate: float


def rehearse(network: Sam | SAM2Base, plan: Rehearsal, generator: torch.Generator) -> None:
    """Teach all but the image encoder to fill the ellipse of a box.

    Args:
        network: changed in place.
        plan: steps and rate.
        generator: source of boxes and noise.
    """
    steps = plan.steps
    encoder = {id(value) for value in network.image_encoder.parameters()}
    learning = [value for value in network.parameters() if id(value) not in encoder]
    optimiser = torch.optim.AdamW(learning, plan.rate, weight_decay=WEIGHT_DECAY)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, plan.rate, max(1, steps), pct_start=WARM_UP_SHARE)
    with torch.no_grad():
        levels = embed(network, torch.zeros(1, 3, IMAGE_SIZE, IMAGE_SIZE))
    for step in trange(steps, desc="boxes", unit="step", disable=not steps):
        boxes = some_boxes(OBJECTS, SIDES_PX, generator)
        noise = [torch.randn(OBJECTS, *level.shape[1:], generator=generator) for level in levels]
        logits, scores = propose(network, noise, torch.arange(OBJECTS), boxed(boxes))
        balance = max(0.0, 1 - step / (steps * BALANCED_SHARE))
        loss = interactive_loss(logits, scores, ellipses(boxes, MASK_SIDE), balance).mean()
        descend(loss, learning, [optimiser], [schedule])


def some_boxes(count: int, sides_px: tuple[float, float], generator: torch.Generator) -> Tensor:
    """(count, 4) boxes anywhere within the input, small ones as often as large ones.

    Args:
        count: of the boxes.
        sides_px: shortest and longest side, before one is stretched against the other.
        generator: source of the draw.
    """
    low, high = (torch.tensor(side).log() for side in sides_px)
    sides = (low + (high - low) * torch.rand(count, 1, generator=generator)).exp()
    stretch = (torch.rand(count, 2, generator=generator) - 0.5).exp()
    sides = (sides * stretch).clamp(max=IMAGE_SIZE)
    corners = torch.rand(count, 2, generator=generator) * (IMAGE_SIZE - sides)
    return torch.cat([corners, corners + sides], 1)


def ellipses(boxes: Tensor, side: int) -> Tensor:
    """(B, 1, side, side) the ellipse of each box (B, 4), softened over one pixel of that grid."""
    stride = IMAGE_SIZE / side
    centres = (torch.arange(side) + 0.5) * stride
    x0, y0, x1, y1 = boxes.T[:, :, None, None]
    x, y = (2 * centres[None, :] - x0 - x1) / (x1 - x0), (2 * centres[:, None] - y0 - y1) / (y1 - y0)
    pixels = torch.minimum(x1 - x0, y1 - y0) / (2 * stride)
    return ((1 - (x**2 + y**2).sqrt()) * pixels + 0.5).clamp(0, 1)[:, None]
