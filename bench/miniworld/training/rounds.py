"""A simulated user in training: a first prompt, then clicks on what is still wrong, as each family was taught."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor

from bench.miniworld.training.batches import PictureBatch
from bench.miniworld.training.networks import (
    Features,
    MaskProposals,
    Network,
    PromptTensors,
    boxed,
    named,
    no_clicks,
    propose,
)
from bench.miniworld.training.pools import SIDE
from bench.miniworld.training.prompts import BoxNoise, loosened, next_click

LARGEST_FEEDBACK = 32.0
MASK_ALONE_SHARE = 0.2  # of SAM-Med2D's later rounds
MASK_AND_TEXT_SHARE, TEXT_FOR_MASK_SHARE = 0.3, 0.3  # of IMIS-Net's


@dataclass(frozen=True, slots=True)
class Round:
    """What a user does after the first mask.

    Attributes:
        clicks: all prompts so far but names, with the new click and no mask.
        shown: (M, 1, 64, 64) logits of the mask that was shown.
        text: (M, width) vectors of the classes' names, or None.
    """

    clicks: PromptTensors
    shown: Tensor
    text: Tensor | None


Later = Callable[[Round, torch.Generator], PromptTensors]


@dataclass(frozen=True, slots=True)
class User:
    """How a family's network is asked and answers.

    Attributes:
        noise: put on a share of the boxes.
        later: the next round's prompts.
        single: boxes and further rounds are answered by the single mask, as in SAM; else, as in SAM-Med2D, every
            prompt by the best-scored of three candidates.
    """

    noise: BoxNoise
    later: Later
    single: bool = True

    def shown(self, drawn: MaskProposals, prompts: PromptTensors) -> Tensor:
        """(M, 1, 64, 64) logits of the mask that answers the prompts."""
        if self.single and not prompts.is_lone_click:
            return drawn.logits[:, :1]
        best = drawn.scores[:, 1:].argmax(1) + 1
        return drawn.logits[torch.arange(len(best), device=best.device), best, None]


def clicks_and_logits(turn: Round, generator: torch.Generator) -> PromptTensors:
    """SAM: all prompts, the new click and the logits shown."""
    return replace(turn.clicks, masks=turn.shown.clamp(-LARGEST_FEEDBACK, LARGEST_FEEDBACK))


def clicks_and_probabilities(turn: Round, generator: torch.Generator) -> PromptTensors:
    """SAM-Med2D: the clicks with the mask's probabilities, at times these alone; a box is not repeated."""
    clicks = replace(turn.clicks, boxes=None, masks=turn.shown.sigmoid())
    if _chance(MASK_ALONE_SHARE, generator):
        xy, labels = no_clicks(len(turn.shown), turn.shown.device)
        return replace(clicks, xy=xy, labels=labels)
    return clicks


def clicks_or_names(turn: Round, generator: torch.Generator) -> PromptTensors:
    """IMIS-Net: the clicks with the logits shown, the name with them, or the name beside the clicks."""
    logits = turn.shown.clamp(-LARGEST_FEEDBACK, LARGEST_FEEDBACK)
    clicks = replace(turn.clicks, boxes=None)
    if turn.text is not None and _chance(MASK_AND_TEXT_SHARE, generator):
        return replace(named(turn.text), masks=logits)
    if turn.text is not None and _chance(TEXT_FOR_MASK_SHARE, generator):
        return replace(clicks, text=turn.text)
    return replace(clicks, masks=logits)


def first(
    kind: str, batch: PictureBatch, noise: BoxNoise, noisy_share: float, generator: torch.Generator
) -> PromptTensors:
    """A box or a click for each object of the batch.

    Args:
        kind: "box" or "click".
        batch: its boxes and masks are read.
        noise, noisy_share: of the boxes.
        generator: source of every draw.
    """
    if kind == "box":
        return boxed(loosened(batch.boxes, noise, noisy_share, generator))
    wanted = batch.masks > 0.5
    xy, labels = next_click(wanted, torch.zeros_like(wanted), generator)
    return PromptTensors(None, xy, torch.ones_like(labels))


def answers(
    network: Network,
    features: Features,
    batch: PictureBatch,
    prompts: PromptTensors,
    user: User,
    rounds: int,
    generator: torch.Generator,
    text: Tensor | None = None,
) -> Iterator[tuple[PromptTensors, MaskProposals]]:
    """Round by round the prompts and what is drawn; a click on the error of what was shown follows.

    Args:
        network: a mini.
        features: of the batch's pictures.
        batch: the objects.
        prompts: of the first round.
        user: see `User`.
        rounds: 1 or more.
        generator: source of every draw.
        text: (M, width) vectors of the classes' names, if they may be told.
    """
    clicks = replace(prompts, text=None)
    for number in range(rounds):
        drawn = propose(network, features, batch.owner, prompts)
        yield prompts, drawn
        if number + 1 < rounds:
            shown = user.shown(drawn, prompts).detach()
            clicks = clicks.with_click(*next_click(batch.masks > 0.5, enlarged(shown) > 0, generator))
            prompts = user.later(Round(clicks, shown, text), generator)


def enlarged(logits: Tensor) -> Tensor:
    """(M, 128, 128) of low-resolution logits (M, 1, h, w)."""
    return F.interpolate(logits, (SIDE, SIDE), mode="bilinear", align_corners=False)[:, 0]


def _chance(share: float, generator: torch.Generator) -> bool:
    return bool(torch.rand((), generator=generator, device=generator.device) < share)
