"""Before all else a decoder learns where a box is, at a small part of the cost of a step with images.

Training from nothing spends most of its steps on finding out what a box means. That needs no object, so half of the
boxes lie anywhere and ask for their ellipse. It needs no encoder either: the pictures are embedded once, and the other
half of the boxes has their objects. Without pictures the embeddings are noise.
"""

from dataclasses import dataclass

import torch
from sam2.modeling.sam2_base import SAM2Base
from segment_anything.modeling import Sam
from torch import Tensor
from tqdm import trange

from adapters.mini import IMAGE_SIZE, MASK_SIDE
from bench.demo.descent import Descent, Rates, rate_share
from bench.demo.interaction import boxed
from bench.demo.losses import interactive_loss
from bench.demo.memory import Memory
from bench.demo.networks import embed, propose
from bench.demo.prompts import tight_boxes

OBJECTS = 24
BALANCED_SHARE = 0.5  # of the steps: a cross entropy balanced less and less
SIDES_PX = 6.0, 200.0


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """How long and how fast.

    Attributes:
        steps: of the optimiser; 0 leaves the network as it is.
        rates: highest learning rates.
        pictures: batches embedded for it; 0 rehearses on noise.
    """

    steps: int
    rates: Rates
    pictures: int = 0


def rehearse(
    network: Sam | SAM2Base, plan: Rehearsal, generator: torch.Generator, memory: Memory | None = None
) -> None:
    """Teach all but the image encoder what a box means.

    Args:
        network: changed in place.
        plan: steps and rates.
        generator: source of boxes and noise.
        memory: pictures whose objects are asked for, None for noise alone.
    """
    steps = plan.steps
    encoder = {id(value) for value in network.image_encoder.parameters()}
    learning = [(name, value) for name, value in network.named_parameters() if id(value) not in encoder]
    descent = Descent(learning, plan.rates, lambda step: rate_share(step, steps))
    with torch.no_grad():
        shapes = [level.shape[1:] for level in embed(network, torch.zeros(1, 3, IMAGE_SIZE, IMAGE_SIZE))]
    for step in trange(steps, desc="boxes", unit="step", disable=not steps):
        anywhere = _boxes(OBJECTS // 2 if memory else OBJECTS, generator)
        if memory:
            found = memory.objects(OBJECTS - len(anywhere), generator)
            places = torch.randint(len(memory.features[0]), (len(anywhere),), generator=generator)
            features, owner = memory.features, torch.cat([places, found.owner])
            boxes = torch.cat([anywhere, tight_boxes(found.boxes, IMAGE_SIZE, generator)])
            targets = torch.cat([_ellipses(anywhere), found.targets])
        else:
            features = [torch.randn(OBJECTS, *shape, generator=generator) for shape in shapes]
            owner, boxes, targets = torch.arange(OBJECTS), anywhere, _ellipses(anywhere)
        logits, scores = propose(network, features, owner, boxed(boxes))
        balance = max(0.0, 1 - step / (steps * BALANCED_SHARE))
        descent.step(interactive_loss(logits, scores, targets, balance).mean())


def _boxes(count: int, generator: torch.Generator) -> Tensor:
    """(count, 4) boxes within the input, small ones as often as large ones."""
    low, high = (torch.tensor(side).log() for side in SIDES_PX)
    sides = (low + (high - low) * torch.rand(count, 1, generator=generator)).exp()
    stretch = (torch.rand(count, 2, generator=generator) - 0.5).exp()
    sides = (sides * stretch).clamp(max=IMAGE_SIZE)
    corners = torch.rand(count, 2, generator=generator) * (IMAGE_SIZE - sides)
    return torch.cat([corners, corners + sides], 1)


def _ellipses(boxes: Tensor) -> Tensor:
    """(B, 1, h, w) the ellipse of each box (B, 4), softened over one low-resolution pixel."""
    stride = IMAGE_SIZE / MASK_SIDE
    centres = (torch.arange(MASK_SIDE) + 0.5) * stride
    x0, y0, x1, y1 = boxes.T[:, :, None, None]
    x, y = (2 * centres[None, :] - x0 - x1) / (x1 - x0), (2 * centres[:, None] - y0 - y1) / (y1 - y0)
    pixels = torch.minimum(x1 - x0, y1 - y0) / (2 * stride)
    return ((1 - (x**2 + y**2).sqrt()) * pixels + 0.5).clamp(0, 1)[:, None]
