"""The batches of an epoch: which pictures, and which of their objects; the same on every process and after resuming.

All random numbers come from generators seeded with (seed, epoch, picture, purpose, round), so that neither the number
of devices nor resuming changes a draw.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from segmote.recipe import Recipe
from segmote.training.data import Mask, TrainingItem, read_masks, read_regions
from segmote.training.embeddings import VARIED_SHARE, EmbeddingStore, version_path

# What a draw is for; part of its seed.
ORDER, OBJECTS, REGIONS, KIND, REGION_KIND, PRIOR_ROUND, PROMPTS, REGION_PROMPTS, NOISE, REGION_NOISE, VERSION = range(
    11
)


class Batch(NamedTuple):
    """One process's part of a batch: I pictures, M masks each, B = I x M rows, picture by picture.

    Attributes:
        seed, epoch, number: seed what is drawn for the batch as a whole.
        indices: (I) places of the pictures among the items; part of their seeds.
        embeddings: (I, dim, h, w).
        early: (I, encoder's width, h, w).
        targets: (B, 1, side, side) bool.
        regions: likewise, of regions drawn by a model; None if any picture of the whole batch has none.
        pooled: (B, text width) the classes' sentences; None without a text tower.
        served: whether the batch is of sets that PPT serves.
    """

    seed: int
    epoch: int
    number: int
    indices: tuple[int, ...]
    embeddings: Tensor
    early: Tensor
    targets: Tensor
    regions: Tensor | None
    pooled: Tensor | None
    served: bool


@dataclass(frozen=True, slots=True, eq=False)
class Sources:
    """Where batches come from.

    Attributes:
        items: to learn from.
        recipe: sizes of the batches, and whether regions are wanted.
        store: the embeddings.
        files: picture to its file in there.
        pooled: class name to its sentence's vector (text width,); empty without a text tower.
        seed: of all draws.
        process, processes: whose part is read.
    """

    items: Sequence[TrainingItem]
    recipe: Recipe
    store: EmbeddingStore
    files: Mapping[Path, Path]
    pooled: Mapping[str, Tensor]
    seed: int
    process: int = 0
    processes: int = 1


class Epoch(Dataset[Batch]):
    """The batches of one epoch, read on access."""

    def __init__(self, sources: Sources, epoch: int) -> None:
        recipe = sources.recipe
        self.sources, self.epoch = sources, epoch
        self.batches = epoch_batches(sources.items, recipe.ppt_sets, recipe.batch, sources.seed, epoch)

    def __len__(self) -> int:
        return len(self.batches)

    def __getitem__(self, number: int) -> Batch:
        if number >= len(self):
            raise IndexError(number)
        return read_batch(self.sources, self.epoch, number, self.batches[number])


def read_batch(sources: Sources, epoch: int, number: int, whole: Sequence[int]) -> Batch:
    """One process's part of a batch of items."""
    items, recipe = sources.items, sources.recipe
    indices = tuple(own_part(whole, sources.process, sources.processes))
    embeddings, early = zip(*(sources.store.read(version_of(sources, epoch, index)) for index in indices), strict=True)
    drawn = [_objects(sources, epoch, index) for index in indices]
    objects = [pair for chosen in drawn for pair in chosen]
    regions = recipe.pseudo_masks and all(items[index].pseudo for index in whole)
    return Batch(
        seed=sources.seed,
        epoch=epoch,
        number=number,
        indices=indices,
        embeddings=torch.stack(embeddings),
        early=torch.stack(early),
        targets=_stacked([mask for _, mask in objects]),
        regions=_stacked([mask for index in indices for mask in _regions(sources, epoch, index)]) if regions else None,
        pooled=torch.stack([sources.pooled[name] for name, _ in objects]) if sources.pooled else None,
        served=is_served(items[indices[0]], recipe.ppt_sets),
    )


def version_of(sources: Sources, epoch: int, index: int) -> Path:
    """The file of the picture itself, or of one of its variants."""
    variants, rng = sources.recipe.variants, generator(sources.seed, epoch, index, VERSION)
    number = int(rng.integers(1, variants + 1)) if variants and rng.random() < VARIED_SHARE else 0
    return version_path(sources.files[sources.items[index].image], number)


def _objects(sources: Sources, epoch: int, index: int) -> list[tuple[str, Mask]]:
    masks = list(read_masks(sources.items[index], sources.store.side).items())
    rng = generator(sources.seed, epoch, index, OBJECTS)
    return [masks[place] for place in choose(len(masks), sources.recipe.masks, rng)]


def _regions(sources: Sources, epoch: int, index: int) -> list[Mask]:
    path = sources.items[index].pseudo
    assert path is not None
    regions = read_regions(path, sources.store.side)
    rng = generator(sources.seed, epoch, index, REGIONS)
    return [regions[place] for place in choose(len(regions), sources.recipe.masks, rng)]


def _stacked(masks: Sequence[Mask]) -> Tensor:
    return torch.from_numpy(np.stack(masks))[:, None]


def generator(seed: int, epoch: int, index: int, purpose: int, round_number: int = 0) -> np.random.Generator:
    """The generator of one draw: for one picture, or for one batch as a whole."""
    return np.random.default_rng([seed, epoch, index, purpose, round_number])


def epoch_batches(
    items: Sequence[TrainingItem], ppt_sets: Sequence[str], batch: int, seed: int, epoch: int
) -> list[tuple[int, ...]]:
    """The batches of an epoch, as indices of items.

    A batch has items of the sets that PPT serves, or of the others, never both. The last batch of either kind is filled
    up from the start of its order, so that all have the same size and no picture is left out.

    Args:
        items: to learn from.
        ppt_sets: names of the sets that PPT serves, in any case.
        batch: items per batch, over all processes together; each takes its part (`own_part`).
        seed, epoch: decide the order.
    """
    rng = generator(seed, epoch, 0, ORDER)
    served = np.array([is_served(item, ppt_sets) for item in items])
    batches: list[tuple[int, ...]] = []
    for group in (np.flatnonzero(served), np.flatnonzero(~served)):
        if len(group):
            order = np.resize(rng.permutation(group), -(-len(group) // batch) * batch)
            batches += [tuple(part) for part in order.reshape(-1, batch).tolist()]
    return [batches[place] for place in rng.permutation(len(batches))]


def is_served(item: TrainingItem, ppt_sets: Sequence[str]) -> bool:
    """Whether PPT serves an item's data set."""
    return item.code.lower() in {name.lower() for name in ppt_sets}


def own_part(batch: Sequence[int], process: int, processes: int) -> Sequence[int]:
    """The items of a batch that are one process's.

    >>> own_part([5, 3, 8, 1], 1, 2)
    [8, 1]
    """
    share = len(batch) // processes
    return batch[process * share : (process + 1) * share]


def choose(count: int, wanted: int, rng: np.random.Generator) -> list[int]:
    """Indices of `wanted` out of `count` things, each once as long as there are enough."""
    return [int(index) for index in rng.choice(count, wanted, replace=count < wanted)]
