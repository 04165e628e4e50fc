"""How SAM-Med2D and IMIS-Net were trained: their prompts of the first round and of those that correct it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from adapters.families.small_networks import IMAGE_SIZE
from bench.miniworld.training import imis
from bench.miniworld.training.batches import Batch
from bench.miniworld.training.interaction import LARGEST_FEEDBACK, MASK_STRIDE, boxed, clicked
from bench.miniworld.training.losses import chosen_loss, mean_dice
from bench.miniworld.training.networks import Features, Network, Prompts, embed, propose
from bench.miniworld.training.prompts import jittered_boxes, next_click, shifted_boxes

ROUNDS = 3  # at most, the first one included
MASK_ALONE_SHARE = 0.2
FIRST_KINDS, FIRST_SHARES = ("box", "click", "text"), torch.tensor([0.4, 0.3, 0.3])
MASK_AND_TEXT_SHARE = 0.5
TEXT_FOR_MASK_SHARE = 0.4
VALIDATION_SEED = 20_001


@dataclass(frozen=True, slots=True)
class Lesson:
    """What a family's training has of its own.

    Attributes:
        loss: of a batch, mean over objects and rounds.
        validate: mean Dice of a batch by kind of prompt.
    """

    loss: Callable[[Network, Batch, torch.Generator], Tensor]
    validate: Callable[[Network, Batch], dict[str, float]]


def med2d_loss(network: Network, batch: Batch, generator: torch.Generator) -> Tensor:
    """A box or a click; then clicks with the mask's probabilities, at times these alone."""
    features = embed(network, batch.images)
    if _chance(0.5, generator):
        prompts = boxed(shifted_boxes(batch.boxes, IMAGE_SIZE, generator))
    else:
        prompts = clicked(batch.targets, generator)
    losses, clicks = [], replace(prompts, boxes=None)
    for _ in range(1 + int(torch.randint(ROUNDS, (), generator=generator))):
        loss, shown = chosen_loss(*propose(network, features, batch.owner, prompts), batch.targets)
        losses.append(loss.mean())
        clicks = _corrected(clicks, shown, batch.targets, generator)
        prompts = clicks = replace(clicks, masks=shown.detach().sigmoid())
        if _chance(MASK_ALONE_SHARE, generator):
            prompts = replace(prompts, xy=clicks.xy[:, :0], labels=clicks.labels[:, :0])
    return torch.stack(losses).mean()


def imis_loss(network: Network, batch: Batch, generator: torch.Generator) -> Tensor:
    """A box, a click or the class's name; then, each with what was shown, clicks or the name.

    In some of the later rounds the name takes the mask's place beside the clicks.
    """
    features, text = embed(network, batch.images), imis.told(network, batch.names)
    kind = FIRST_KINDS[int(torch.multinomial(FIRST_SHARES, 1, generator=generator))]
    boxes = jittered_boxes(batch.boxes, IMAGE_SIZE, generator)
    prompts = _first(kind, boxes, batch.targets, text, generator)
    losses, clicks = [], replace(prompts, boxes=None, text=None)
    for _ in range(1 + int(torch.randint(ROUNDS, (), generator=generator))):
        loss, shown = chosen_loss(*propose(network, features, batch.owner, prompts), batch.targets)
        losses.append(loss.mean())
        clicks = _corrected(clicks, shown, batch.targets, generator)
        shown = shown.detach().clamp(-LARGEST_FEEDBACK, LARGEST_FEEDBACK)
        if _chance(MASK_AND_TEXT_SHARE, generator):
            prompts = replace(_named(text), masks=shown)
        elif _chance(TEXT_FOR_MASK_SHARE, generator):
            prompts = replace(clicks, text=text)
        else:
            prompts = replace(clicks, masks=shown)
    return torch.stack(losses).mean()


def _first(kind: str, boxes: Tensor, targets: Tensor, text: Tensor, generator: torch.Generator) -> Prompts:
    if kind == "box":
        return boxed(boxes)
    return clicked(targets, generator) if kind == "click" else _named(text)


def _named(text: Tensor) -> Prompts:
    return replace(boxed(torch.zeros(len(text), 4)), boxes=None, text=text)


def _corrected(prompts: Prompts, shown: Tensor, targets: Tensor, generator: torch.Generator) -> Prompts:
    """One more click, where what was shown is wrong."""
    xy, labels = next_click(targets > 0.5, shown > 0, MASK_STRIDE, generator)
    return replace(prompts, xy=torch.cat([prompts.xy, xy], 1), labels=torch.cat([prompts.labels, labels], 1))


def _chance(share: float, generator: torch.Generator) -> bool:
    return bool(torch.rand((), generator=generator) < share)


def med2d_dice(network: Network, batch: Batch) -> dict[str, float]:
    """With tight boxes, after a first click, and after a second one with the first mask's probabilities."""
    generator = torch.Generator().manual_seed(VALIDATION_SEED)
    features, click = embed(network, batch.images), clicked(batch.targets, generator)
    first = _shown(network, features, batch, click)
    second = replace(_corrected(click, first, batch.targets, generator), masks=first.sigmoid())
    shown = [_shown(network, features, batch, boxed(batch.boxes)), first, _shown(network, features, batch, second)]
    return _scored(("dice_box", "dice_click1", "dice_click2"), shown, batch)


def imis_dice(network: Network, batch: Batch) -> dict[str, float]:
    """With tight boxes, after a first click, and with the classes' names."""
    click = clicked(batch.targets, torch.Generator().manual_seed(VALIDATION_SEED))
    prompts = (boxed(batch.boxes), click, _named(imis.told(network, batch.names)))
    features = embed(network, batch.images)
    shown = [_shown(network, features, batch, prompt) for prompt in prompts]
    return _scored(("dice_box", "dice_click1", "dice_text"), shown, batch)


def _shown(network: Network, features: Features, batch: Batch, prompts: Prompts) -> Tensor:
    return chosen_loss(*propose(network, features, batch.owner, prompts), batch.targets)[1]


def _scored(names: Sequence[str], shown: Sequence[Tensor], batch: Batch) -> dict[str, float]:
    return {name: mean_dice(logits, batch.targets) for name, logits in zip(names, shown, strict=True)}


MED2D = Lesson(med2d_loss, med2d_dice)
IMIS = Lesson(imis_loss, imis_dice)
