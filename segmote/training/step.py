"""One step of the training: prompts, passes through the decoder, losses (section 3.5).

The paper takes one step per batch, from first prompts. The released code takes two: first prompts, then rounds that
correct the masks of the first step.

The losses are defined on the whole batch. Each process therefore gathers the masks and gates of all processes before it
computes them, so that the loss, and its gradient averaged over the processes, equal those of a single process.

B: rows, picture by picture. N: experts.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from segmote.network.expert_decoder import ExpertMasks
from segmote.network.model import Segmote
from segmote.recipe import Recipe
from segmote.training import losses
from segmote.training.batches import NOISE, REGION_NOISE, Batch
from segmote.training.prompts import (
    Prompts,
    corrected,
    corrected_regions,
    first_prompts,
    priors,
    region_prompts,
    rounds_with_priors,
    router_noise,
    to_input,
)

Step = Literal["first", "corrections"]
Joined = Callable[[Tensor], Tensor]


class StepMasks(NamedTuple):
    """The last masks of a step: (B, 1, 4h, 4w) logits, detached, for the targets and, if any, the regions."""

    masks: Tensor
    regions: Tensor | None


class StepResult(NamedTuple):
    """The result of a step: values of the whole batch, averaged over the rounds (`loss` is summed), and the last masks.

    Attributes:
        loss: to be minimised; the sum over the rounds.
        segmentation, balance: its terms for the masks.
        dice: of the thresholded masks.
        experts: (N,) share of the expert tokens that each expert of the last layer received.
        tokens: (N,) share of the rows that each expert token answered.
        drawn: masks of this process's rows.
    """

    loss: Tensor
    segmentation: Tensor
    balance: Tensor
    dice: Tensor
    experts: Tensor
    tokens: Tensor
    drawn: StepMasks


class TrainingStep(nn.Module):
    """A network that learns by a recipe: one call of `forward` is one step, so that DDP averages its gradients.

    Args:
        network: what learns.
        recipe: how it learns.
        joined: gathers the rows (B, ...) of all processes, with gradients.
    """

    def __init__(self, network: Segmote, recipe: Recipe, joined: Joined = lambda rows: rows) -> None:
        super().__init__()
        self.network, self.recipe, self.joined = network, recipe, joined

    def forward(self, batch: Batch, step: Step, drawn: StepMasks | None = None) -> StepResult:
        """One step; the second starts from the masks of the first."""
        images = _Images.of(self.network, batch, self.recipe.masks)
        if step == "first":
            return self._first(batch, images)
        assert drawn is not None
        return self._corrections(batch, images, drawn)

    def _first(self, batch: Batch, images: "_Images") -> StepResult:
        ppt = self._uses_ppt(batch) and self.recipe.ppt_first
        prompts = priors(batch, images.draw_unprompted) if ppt else first_prompts(batch, self.recipe)
        outcome = self._outcome(batch, images.draw(prompts, (NOISE, 0), ppt))
        if batch.regions is None:
            return outcome
        regions = images.draw(region_prompts(batch, batch.regions, self.recipe), (REGION_NOISE, 0))
        return self._with_regions(outcome, batch.regions, regions)

    def _corrections(self, batch: Batch, images: "_Images", drawn: StepMasks) -> StepResult:
        rounds, outcomes = self.recipe.corrections, []
        with_priors = rounds_with_priors(batch, rounds)
        for number in range(rounds):
            prompts = corrected(batch, drawn.masks, number, number in with_priors)
            outcome = self._outcome(batch, images.draw(prompts, (NOISE, 1 + number), self._uses_ppt(batch)))
            if batch.regions is not None and drawn.regions is not None:
                prompts = corrected_regions(batch, batch.regions, drawn.regions, number, number in with_priors)
                outcome = self._with_regions(outcome, batch.regions, images.draw(prompts, None, mote=False))
            drawn = outcome.drawn
            outcomes.append(outcome)
        return _over_rounds(outcomes)

    def _uses_ppt(self, batch: Batch) -> bool:
        """Whether PPT serves a batch; a network may have none."""
        return batch.served and self.network.config.ppt_queries > 0

    def _outcome(self, batch: Batch, masks: ExpertMasks) -> StepResult:
        routings = [replace(routing, gates=self.joined(routing.gates)) for routing in masks.routings]
        balance = losses.balance_loss(routings, self.network.config)
        segmentation = self._segmentation(batch.targets, masks)
        shown = to_input(masks.mask.detach(), batch.targets.shape[-1]) > 0
        return StepResult(
            loss=segmentation + self.recipe.balance_weight * balance,  # eq. 11
            segmentation=segmentation.detach(),
            balance=balance.detach(),
            dice=self.joined(dice(batch.targets, shown)).mean(),
            experts=self._shares(masks.routings[-1].experts.flatten(1)),
            tokens=self._shares(masks.token[:, None]),
            drawn=StepMasks(masks.mask.detach(), None),
        )

    def _with_regions(self, outcome: StepResult, regions: Tensor, drawn: ExpertMasks) -> StepResult:
        loss = outcome.loss + self._segmentation(regions, drawn)
        return outcome._replace(loss=loss, drawn=StepMasks(outcome.drawn.masks, drawn.mask.detach()))

    def _segmentation(self, targets: Tensor, drawn: ExpertMasks) -> Tensor:
        """L_seg of the whole batch, on the grid of the network's input."""
        targets = self.joined(targets.float())
        logits = to_input(self.joined(drawn.mask.float()), targets.shape[-1])
        if self.recipe.loss == "dice":
            return losses.dice_loss(targets, logits)
        return losses.released_loss(targets, logits, self.joined(drawn.score.float()))

    def _shares(self, indices: Tensor) -> Tensor:
        """(N,) shares of indices (B, n) of experts or tokens."""
        counts = F.one_hot(indices, self.network.config.num_experts).sum(dim=1).float()  # (B, N)
        return self.joined(counts).sum(dim=0) / self.joined(counts).sum()


@dataclass(frozen=True, slots=True)
class _Images:
    """Embeddings and details of a batch's images, one row per mask."""

    network: Segmote
    batch: Batch
    embeddings: Tensor
    details: Tensor

    @classmethod
    def of(cls, network: Segmote, batch: Batch, masks: int) -> "_Images":
        details = network.details(batch.embeddings, batch.early)
        return cls(network, batch, *(part.repeat_interleave(masks, 0) for part in (batch.embeddings, details)))

    def draw(
        self, prompts: Prompts, noise: tuple[int, int] | None, ppt: bool = False, mote: bool = True
    ) -> ExpertMasks:
        """One pass; `noise` is purpose and round of the draws for the routers."""
        config = self.network.config
        shape = config.layers, len(self.embeddings), config.num_experts, config.num_experts
        drawn = False if noise is None else router_noise(self.batch, shape, *noise)
        return self.network.decode(self.embeddings, *prompts, details=self.details, ppt=ppt, noise=drawn, mote=mote)

    @torch.no_grad()
    def draw_unprompted(self) -> Tensor:
        """The masks (B, 1, 4h, 4w) of PPT alone."""
        drawn = self.draw(Prompts(), None, ppt=True).mask
        # Autocast keeps the weights that it has cast, here without gradients, and the next pass would use them.
        torch.clear_autocast_cache()
        return drawn


def dice(targets: Tensor, drawn: Tensor) -> Tensor:
    """Dice of bool masks (B, 1, H, W), (B,); targets have foreground."""
    both, areas = (targets & drawn).sum((1, 2, 3)), targets.sum((1, 2, 3)) + drawn.sum((1, 2, 3))
    return 2 * both / areas


def _over_rounds(outcomes: Sequence[StepResult]) -> StepResult:
    loss, *numbers = (torch.stack(values) for values in zip(*(outcome[:-1] for outcome in outcomes), strict=True))
    segmentation, balance, dice, experts, tokens = (number.mean(dim=0) for number in numbers)
    return StepResult(loss.sum(dim=0), segmentation, balance, dice, experts, tokens, outcomes[-1].drawn)
