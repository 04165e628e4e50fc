"""A simulated user in training: a first prompt, then clicks on what is still wrong."""

from collections.abc import Iterator

import torch
from torch import Tensor

from adapters.families.small_networks import IMAGE_SIZE, MASK_SIDE
from bench.miniworld.training.batches import Batch
from bench.miniworld.training.networks import Features, Network, Prompts, propose
from bench.miniworld.training.prompts import next_click

MASK_STRIDE = IMAGE_SIZE // MASK_SIDE
LARGEST_FEEDBACK = 32.0


def boxed(boxes: Tensor) -> Prompts:
    """Prompts of boxes (B, 4) alone."""
    labels = torch.zeros(len(boxes), 0, dtype=torch.long)
    return Prompts(boxes, torch.zeros(len(boxes), 0, 2), labels, None)


def clicked(targets: Tensor, generator: torch.Generator) -> Prompts:
    """Prompts of one click inside each target (B, 1, h, w)."""
    wanted = targets > 0.5
    xy, labels = next_click(wanted, torch.zeros_like(wanted), MASK_STRIDE, generator)
    return Prompts(None, xy, torch.ones_like(labels), None)


def interact(
    network: Network, features: Features, batch: Batch, prompts: Prompts, rounds: int, generator: torch.Generator
) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
    """Round by round all masks, their scores, and the mask shown; a click on the shown one's error follows."""
    for number in range(rounds):
        logits, scores = propose(network, features, batch.owner, prompts)
        shown = _shown(logits, scores, prompts)
        yield logits, scores, shown
        if number + 1 < rounds:
            prompts = _corrected(prompts, shown.detach(), batch.targets, generator)


def _shown(logits: Tensor, scores: Tensor, prompts: Prompts) -> Tensor:
    """(B, 1, h, w): the best-scored candidate of a lone click, else token 0."""
    if prompts.boxes is not None or prompts.xy.shape[1] > 1:
        return logits[:, :1]
    best = scores[:, 1:].argmax(1) + 1
    return logits[torch.arange(len(logits)), best, None]


def _corrected(prompts: Prompts, shown: Tensor, targets: Tensor, generator: torch.Generator) -> Prompts:
    xy, labels = next_click(targets > 0.5, shown > 0, MASK_STRIDE, generator)
    return Prompts(
        prompts.boxes,
        torch.cat([prompts.xy, xy], 1),
        torch.cat([prompts.labels, labels], 1),
        shown.clamp(-LARGEST_FEEDBACK, LARGEST_FEEDBACK),
    )
