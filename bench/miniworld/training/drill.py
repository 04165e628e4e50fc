"""A decoder drills on many objects a step, from image embeddings that were made once.

What a fine-tuned decoder lacks is practice with small, tight boxes. An image encoder that does not learn meanwhile
need not run again, so a step costs a small part of one with images and can hold every size of box alike. Beside the
objects stand boxes anywhere in the same images with the ellipse as their target: the rehearsal goes on, so that no
place and no size is forgotten.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
import torch
from segment_anything.modeling import Sam
from torch import Tensor, nn
from tqdm import trange

from adapters import geometry
from adapters.families.small_networks import IMAGE_SIZE
from bench.miniworld.phantoms.sample import TrainingSample
from bench.miniworld.training.batches import Batch, Prepare, Variation, draw
from bench.miniworld.training.descent import WEIGHT_DECAY, descend
from bench.miniworld.training.interaction import boxed
from bench.miniworld.training.losses import box_loss
from bench.miniworld.training.networks import Features, embed, propose
from bench.miniworld.training.rehearsal import WARM_UP_SHARE, ellipses, some_boxes

IMAGES = 8  # embedded at once
OBJECTS_OF_IMAGE = 12
OBJECTS, ELLIPSES = 24, 16  # a step
ELLIPSE_SIDES_PX = 4.0, 70.0
BOX_SIDES_PX = torch.tensor([8.0, 12.0, 18.0, 25.0, 40.0, 60.0])
FINE_SIDE = 128  # masks are compared on a grid twice as fine as they are drawn: small ones have too few pixels there
FINE = geometry.squash((FINE_SIDE, FINE_SIDE), IMAGE_SIZE)
STEEPNESS = 32.0  # logits from probability 0 to 1; with 16 small objects come in later, with 64 no sooner
LEVELS = 255


@dataclass(frozen=True, slots=True)
class Drill:
    """How long, how fast and on what.

    Attributes:
        steps: of the optimiser.
        images: embedded beforehand.
        rate: highest learning rate of AdamW, for biases, norms and embeddings.
        muon: highest learning rate of Muon, for the matrices of the linear layers.
        variation: of the samples.
        enlarge: low-resolution logits (B, h, w) to logits (B, 128, 128), positive where the family's mask would be.
    """

    steps: int
    images: int
    rate: float
    muon: float
    variation: Variation
    enlarge: Callable[[Tensor], Tensor]


def by_logits(logits: Tensor) -> Tensor:
    """Enlarge as families do whose mask is where enlarged logits are positive."""
    return geometry.to_original(logits, FINE)


def by_probabilities(logits: Tensor) -> Tensor:
    """Enlarge as MedSAM does, whose mask is where enlarged probabilities exceed one half.

    A probability cannot outweigh its neighbours as a logit can, so the mask of an object of two or three
    low-resolution pixels has to be learned as it is enlarged. The logit of the enlarged probability teaches it badly:
    it wants every value near 0 or 1, also between two pixels. A steep line through one half wants it on its side.
    """
    return STEEPNESS * (geometry.to_original(logits.sigmoid(), FINE) - 0.5)


@dataclass(frozen=True, slots=True, eq=False)
class Memory:
    """Objects of images that were embedded once.

    Attributes:
        features: of N images, from `embed`.
        owner: (M,) index of each object's image.
        boxes: (M, 4) tight boxes in pixels of the network's input.
        targets: (M, 1, 128, 128) uint8, 255 where the object covers the pixel.
    """

    features: Features
    owner: Tensor
    boxes: Tensor
    targets: Tensor

    def weights(self) -> Tensor:
        """(M,) chances by which boxes of all sizes are drawn alike."""
        sides = (self.boxes[:, 2:] - self.boxes[:, :2]).clamp(min=1).prod(1).sqrt()
        size = torch.bucketize(sides, BOX_SIDES_PX)
        return 1 / torch.bincount(size)[size]


def remember(
    network: Sam,
    samples: Iterator[TrainingSample],
    prepare: Prepare,
    plan: Drill,
    rng: np.random.Generator,
) -> Memory:
    """Draw and embed images.

    Args:
        network: embeds; its image encoder must not learn while the memory is in use.
        samples: as many as images are embedded; the more of them are new, the less is learned by heart.
        prepare: the family's pre-processing.
        plan: its images, rounded up to whole batches of 8, and their variation are read.
        rng: of the variation.
    """
    batches: list[Batch] = []
    features: list[Features] = []
    for _ in trange(-(-plan.images // IMAGES), desc="embeddings", unit="batch"):
        batch = draw(samples, prepare, IMAGES, rng, plan.variation, OBJECTS_OF_IMAGE, FINE_SIDE)
        with torch.no_grad():
            features.append(embed(network, batch.images))
        batches.append(replace(batch, images=batch.images[:0]))  # else thousands of images stay in memory
    return Memory(
        [torch.cat(level) for level in zip(*features, strict=True)],
        torch.cat([number * IMAGES + batch.owner for number, batch in enumerate(batches)]),
        torch.cat([batch.boxes for batch in batches]),
        torch.cat([(batch.targets * LEVELS).round().byte() for batch in batches]),
    )


def drill(network: Sam, plan: Drill, memory: Memory, generator: torch.Generator) -> Iterator[float]:
    """Train the mask decoder in place, for boxes and token 0; all else stays as it is.

    Args:
        network: a mini.
        plan: its steps, rates and `enlarge` are read.
        memory: of this network's image encoder.
        generator: source of every draw.

    Yields:
        The mean loss of each step.
    """
    for name, value in network.named_parameters():
        value.requires_grad_(name.startswith("mask_decoder."))
    learning = [value for value in network.parameters() if value.requires_grad]
    matrices = [part.weight for part in network.mask_decoder.modules() if isinstance(part, nn.Linear)]
    others = [value for value in learning if all(value is not matrix for matrix in matrices)]
    # Muon moves every direction of a matrix alike: sizes and places, of which each box says little, come in sooner.
    optimisers: list[torch.optim.Optimizer] = [
        torch.optim.AdamW(others, plan.rate, weight_decay=WEIGHT_DECAY),
        torch.optim.Muon(matrices, plan.muon, weight_decay=WEIGHT_DECAY),
    ]
    schedules = [
        torch.optim.lr_scheduler.OneCycleLR(
            optimiser, rate, max(2, plan.steps), pct_start=WARM_UP_SHARE, cycle_momentum=False
        )
        for optimiser, rate in zip(optimisers, (plan.rate, plan.muon), strict=True)
    ]
    weights = memory.weights()
    for _ in range(plan.steps):
        loss = _loss(network, plan, memory, weights, generator)
        descend(loss, learning, optimisers, schedules)
        yield loss.item()


def _loss(network: Sam, plan: Drill, memory: Memory, weights: Tensor, generator: torch.Generator) -> Tensor:
    chosen = torch.multinomial(weights, OBJECTS, generator=generator)
    empty = some_boxes(ELLIPSES, ELLIPSE_SIDES_PX, generator)
    places = torch.randint(len(memory.features[-1]), (ELLIPSES,), generator=generator)
    boxes = torch.cat([memory.boxes[chosen], empty])
    owner = torch.cat([memory.owner[chosen], places])
    targets = torch.cat([memory.targets[chosen].float() / LEVELS, ellipses(empty, FINE_SIDE)])
    logits, _ = propose(network, memory.features, owner, boxed(boxes))
    return box_loss(plan.enlarge(logits[:, 0]), targets[:, 0]).mean()
