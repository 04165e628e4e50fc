"""Pictures embedded once, for as long as the image encoder stays as it is: a step then costs the decoder alone."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

import torch
from torch import Tensor
from tqdm import tqdm

from bench.demo.batches import Batch
from bench.demo.networks import Features, Network, embed


@dataclass(frozen=True, slots=True, eq=False)
class Memory:
    """Embedded pictures and their objects.

    Attributes:
        features: of the N pictures, from `embed`.
        owner, targets, boxes: of the B objects, as in a `Batch`.
    """

    features: Features
    owner: Tensor
    targets: Tensor
    boxes: Tensor

    def objects(self, count: int, generator: torch.Generator) -> Batch:
        """Any objects; their owners are among the N pictures, which are not in the batch."""
        chosen = torch.randint(len(self.boxes), (count,), generator=generator)
        return Batch(torch.empty(0), self.owner[chosen], self.targets[chosen], self.boxes[chosen])


@torch.no_grad()
def memorise(network: Network, batches: Iterator[Batch], count: int) -> Memory:
    """Embed the pictures of `count` batches."""
    levels, owners, pictures, kept = [], [], 0, []
    for batch in tqdm(islice(batches, count), desc="embeddings", total=count, unit="batch"):
        levels.append(embed(network, batch.images))
        owners.append(batch.owner + pictures)
        pictures += len(batch.images)
        kept.append((batch.targets, batch.boxes))
    features = [torch.cat(level) for level in zip(*levels, strict=True)]
    targets, boxes = (torch.cat(part) for part in zip(*kept, strict=True))
    return Memory(features, torch.cat(owners), targets, boxes)
