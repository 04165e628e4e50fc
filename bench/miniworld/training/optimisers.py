"""Muon for the matrices of linear layers, AdamW for the rest, on one schedule."""

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import nn

LARGEST_GRADIENT = 1.0
BETAS = 0.9, 0.98
WARM_UP_SHARE = 0.03
LAST_SHARE = 0.01


class Optimisers:
    """Both optimisers of one stage.

    Args:
        modules: hold the parameters; those without `requires_grad` are left alone.
        muon, adamw: highest learning rates.
        weight_decay: of both.

    Raises:
        ImportError: torch is older than 2.9 and has no Muon; only training needs it.
    """

    def __init__(self, modules: Sequence[nn.Module], muon: float, adamw: float, weight_decay: float) -> None:
        self.rates = muon, adamw
        linear = [part.weight for module in modules for part in module.modules() if isinstance(part, nn.Linear)]
        matrices = [weight for weight in linear if weight.requires_grad]
        known = {id(weight) for weight in matrices}
        others = [
            value
            for module in modules
            for value in module.parameters()
            if value.requires_grad and id(value) not in known
        ]
        self.learning = [*matrices, *others]
        self.parts = (
            _muon()(matrices, lr=muon, weight_decay=weight_decay),
            torch.optim.AdamW(others, lr=adamw, weight_decay=weight_decay, betas=BETAS),
        )

    def step(self, loss: torch.Tensor, progress: float) -> None:
        """One step down a loss, at a share 0..1 of the schedule; gradients are clipped over all parameters together."""
        for part, rate in zip(self.parts, self.rates, strict=True):
            part.zero_grad()
            for group in part.param_groups:
                group["lr"] = rate * rate_share(progress)
        loss.backward()
        nn.utils.clip_grad_norm_(self.learning, LARGEST_GRADIENT)
        for part in self.parts:
            part.step()

    def state(self) -> list[dict[str, object]]:
        """For a checkpoint."""
        return [part.state_dict() for part in self.parts]

    def resume(self, state: Sequence[dict[str, object]]) -> None:
        """Go on from `state`."""
        for part, kept in zip(self.parts, state, strict=True):
            part.load_state_dict(kept)


def rate_share(progress: float) -> float:
    """Share of the highest rate: a short linear warm-up, then a half cosine down to a hundredth."""
    if progress < WARM_UP_SHARE:
        return progress / WARM_UP_SHARE
    rest = (progress - WARM_UP_SHARE) / (1 - WARM_UP_SHARE)
    return LAST_SHARE + (1 - LAST_SHARE) * (0.5 + 0.5 * math.cos(math.pi * rest))


def _muon() -> Any:
    found = getattr(torch.optim, "Muon", None)
    if found is None:
        raise ImportError(f"training the minis needs torch 2.9 or later, which has Muon; this is {torch.__version__}")
    return found
