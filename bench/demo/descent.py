"""How the minis learn: AdamW for all, or Muon for the matrices of a mask decoder and AdamW for the rest."""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.optim import AdamW, Muon, Optimizer
from torch.optim.lr_scheduler import LambdaLR

WARM_UP = 100
LARGEST_GRADIENT = 1.0
SMALLEST_MATRIX_SIDE = 8  # below it there is nothing to orthogonalise


@dataclass(frozen=True, slots=True)
class Rates:
    """Highest learning rates.

    Attributes:
        adam: AdamW's.
        muon: of the mask decoder's matrices, None leaves them to AdamW. With Muon 1000 steps of rehearsal end
            where AdamW alone needs several thousand; the encoder's matrices are too large for its extra cost.
    """

    adam: float
    muon: float | None = None


class Descent:
    """Optimisers that step as one, with clipped gradients and one schedule.

    Args:
        parameters: what learns, with names.
        rates: highest learning rates.
        schedule: step to the share of them.
        weight_decay: AdamW's.
    """

    def __init__(
        self,
        parameters: Iterable[tuple[str, Tensor]],
        rates: Rates,
        schedule: Callable[[int], float],
        weight_decay: float = 0.01,
    ) -> None:
        named = dict(parameters)
        matrices = [name for name in named if rates.muon and _is_matrix(name, named[name])]
        rest = [value for name, value in named.items() if name not in matrices]
        self.learning = list(named.values())
        self.optimisers: list[Optimizer] = [AdamW(rest, rates.adam, weight_decay=weight_decay)]
        if rates.muon:
            chosen = [named[name] for name in matrices]
            self.optimisers.append(Muon(chosen, rates.muon, weight_decay=0.0, adjust_lr_fn="match_rms_adamw"))
        self.schedules = [LambdaLR(optimiser, schedule) for optimiser in self.optimisers]

    def step(self, loss: Tensor) -> None:
        """One step down a scalar loss."""
        for optimiser in self.optimisers:
            optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.learning, LARGEST_GRADIENT)
        for optimiser, schedule in zip(self.optimisers, self.schedules, strict=True):
            optimiser.step()
            schedule.step()


def rate_share(step: int, steps: int) -> float:
    """Share of the highest learning rate: linear warm-up, then a half cosine down to nothing."""
    warm = min(WARM_UP, max(1, steps // 10))
    if step < warm:
        return (step + 1) / warm
    return 0.5 + 0.5 * math.cos(math.pi * (step - warm) / max(1, steps - warm))


def _is_matrix(name: str, value: Tensor) -> bool:
    """Whether it is a decoder's projection within one kind of vectors.

    Those between tokens and image start localised, which Muon would soon undo; token tables have rows of their own.
    """
    large = value.ndim == 2 and min(value.shape) > SMALLEST_MATRIX_SIDE
    return large and "mask_decoder." in name and "token" not in name
