"""Before any box: an image encoder learns to keep what its patches show.

SAM's encoder starts from a masked autoencoder. For a mini the same end is reached more simply: a linear layer, thrown
away afterwards, reads each quarter of a patch's side from the embedding. Without it an embedding learned from boxes
alone keeps little more than the mean of a patch, and no decoder can then draw an outline finer than 16 pixels.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import torch.nn.functional as F
from torch import Tensor, nn
from tqdm import trange

from adapters.mini import DIM, GRID, IMAGE_SIZE, MASK_SIDE
from bench.demo.batches import Batch
from bench.demo.descent import Descent, Rates, rate_share
from bench.demo.networks import Network, embed

DETAIL = MASK_SIDE // GRID
COLOURS = 3
WEIGHT = 0.5  # beside the losses of segmentation, about 1 an object
LEAST_VARIANCE = 1e-4  # of a picture without any content


@dataclass(frozen=True, slots=True)
class Reconstruction:
    """How long and how fast, before segmentation is learned; its loss stays beside that of segmentation.

    Attributes:
        steps: of the optimiser.
        rate: AdamW's highest.
    """

    steps: int = 0
    rate: float = 2e-3


class Reader(nn.Module):
    """Reads the picture, at the resolution of a mask, from its embedding."""

    def __init__(self) -> None:
        super().__init__()
        self.detail = nn.Conv2d(DIM, COLOURS * DETAIL**2, 1)

    def loss(self, embedding: Tensor, images: Tensor) -> Tensor:
        """Half of the share of the picture's variance that is not read, 0 at best.

        Args:
            embedding: (N, 64, 16, 16).
            images: (N, 3, 256, 256) network inputs.
        """
        shown = F.avg_pool2d(images, IMAGE_SIZE // MASK_SIDE)
        read = F.pixel_shuffle(self.detail(embedding), DETAIL)
        return F.mse_loss(read, shown) / shown.var().clamp(min=LEAST_VARIANCE) * WEIGHT


def reconstruct(network: Network, reader: Reader, plan: Reconstruction, batches: Iterator[Batch]) -> None:
    """Teach the image encoder, and the reader, what is to be kept."""
    learning = [*network.image_encoder.named_parameters(), *reader.named_parameters()]
    descent = Descent(learning, Rates(plan.rate), lambda step: rate_share(step, plan.steps))
    for _ in trange(plan.steps, desc="pictures", unit="step", disable=not plan.steps):
        images = next(batches).images
        descent.step(reader.loss(embed(network, images)[-1], images))
