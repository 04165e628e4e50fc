"""A step down a loss."""

from collections.abc import Sequence

import torch
from torch import Tensor

WEIGHT_DECAY = 0.01
LARGEST_GRADIENT = 1.0


def descend(
    loss: Tensor,
    learning: Sequence[Tensor],
    optimisers: Sequence[torch.optim.Optimizer],
    schedules: Sequence[torch.optim.lr_scheduler.LRScheduler],
) -> None:
    """One step of every optimiser and of its schedule, by gradients clipped over all parameters together.

    Args:
        loss: a scalar.
        learning: the parameters, each held by one of the optimisers.
        optimisers: at least one.
        schedules: one an optimiser.
    """
    for optimiser in optimisers:
        optimiser.zero_grad()
    loss.backward()
    torch.nn.utils.clip_grad_norm_(learning, LARGEST_GRADIENT)
    for optimiser, schedule in zip(optimisers, schedules, strict=True):
        optimiser.step()
        schedule.step()
