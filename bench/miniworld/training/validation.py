"""How well a network draws on pictures of the training world that it has not seen, and whether it looks at them."""

from collections.abc import Mapping

import torch
from torch import Tensor

from bench.miniworld.training.batches import UPRIGHT, PictureBatch, Source, Variation
from bench.miniworld.training.families import Family
from bench.miniworld.training.names import Names
from bench.miniworld.training.networks import Features, Network, PromptTensors, boxed, embed, named, propose
from bench.miniworld.training.rounds import answers, enlarged, first

SEED = 20_000
PICTURES, OBJECTS = 40, 3
OF_A_PASS = 64
CLICKS = 5
SMALL_PX = 12.0


def held_out(source: Source, *, upright: bool = False) -> PictureBatch:
    """A fixed draw of 40 pictures."""
    generator = torch.Generator(source.images.device).manual_seed(SEED)
    return source.draw(PICTURES, OBJECTS, UPRIGHT if upright else Variation(), generator)


@torch.no_grad()
def validate(
    network: Network, family: Family, batches: Mapping[str, PictureBatch], names: Names | None = None
) -> dict[str, float]:
    """Mean Dice by world and kind of prompt.

    Args:
        network: the family's.
        family: see `Family`.
        batches: by world, from `held_out`.
        names: where names are told; those of the medical world are then tried.

    Returns:
        "<world>_box", "_small" (boxes below 12 px), "_swap" (with another picture's embedding), and, where clicks are
        learned, "_click1", "_click3" and "_click5"; "<world>_text" where names are told.
    """
    asks_clicks = "click" in family.stages[-1].first
    lines: dict[str, float] = {}
    for world, batch in batches.items():
        features = embed(network, family.prepare(batch.images))
        dice = _boxes(network, family, features, batch)
        sides = (batch.boxes[:, 2:] - batch.boxes[:, :2]).prod(1).sqrt()
        lines[f"{world}_box"] = float(dice.mean())
        lines[f"{world}_small"] = float(dice[sides < SMALL_PX].mean())
        lines[f"{world}_swap"] = float(_boxes(network, family, features, _swapped(batch)).mean())
        if asks_clicks:
            curve = _clicks(network, family, features, batch)
            lines |= {f"{world}_click{number}": curve[number - 1] for number in (1, 3, CLICKS)}
        if names is not None and batch.names.any():
            prompts = named(names.vectors(network, batch.names))
            lines[f"{world}_text"] = float(_dice(network, family, features, batch, prompts).mean())
    return lines


def _swapped(batch: PictureBatch) -> PictureBatch:
    count = len(batch.images)
    return PictureBatch(batch.images, (batch.owner + count // 2) % count, batch.masks, batch.boxes, batch.names)


def _boxes(network: Network, family: Family, features: Features, batch: PictureBatch) -> Tensor:
    return _dice(network, family, features, batch, boxed(batch.boxes))


def _dice(network: Network, family: Family, features: Features, batch: PictureBatch, prompts: PromptTensors) -> Tensor:
    """(M,) Dice of the masks shown."""
    parts = []
    for objects in torch.arange(len(batch.owner), device=batch.owner.device).split(OF_A_PASS):
        part = _some(prompts, objects)
        shown = family.user.shown(propose(network, features, batch.owner[objects], part), part)
        parts.append(dice(enlarged(shown) > 0, batch.masks[objects] > 0.5))
    return torch.cat(parts)


def _some(prompts: PromptTensors, objects: Tensor) -> PromptTensors:
    boxes, masks, text = (
        None if part is None else part[objects] for part in (prompts.boxes, prompts.masks, prompts.text)
    )
    return PromptTensors(boxes, prompts.xy[objects], prompts.labels[objects], masks, text)


def _clicks(network: Network, family: Family, features: Features, batch: PictureBatch) -> list[float]:
    """Mean Dice after one to five clicks."""
    generator = torch.Generator(batch.images.device).manual_seed(SEED)
    totals = torch.zeros(CLICKS)
    for objects in torch.arange(len(batch.owner), device=batch.owner.device).split(OF_A_PASS):
        part = batch.of(objects)
        prompts = first("click", part, family.user.noise, 0.0, generator)
        rounds = answers(network, features, part, prompts, family.user, CLICKS, generator)
        for number, (given, drawn) in enumerate(rounds):
            totals[number] += dice(enlarged(family.user.shown(drawn, given)) > 0, part.masks > 0.5).sum().cpu()
    return (totals / len(batch.owner)).tolist()


def dice(drawn: Tensor, wanted: Tensor) -> Tensor:
    """(M,) Dice of masks (M, H, W) bool; 0 where both are empty."""
    both = 2 * (drawn & wanted).sum((1, 2))
    return both / (drawn.sum((1, 2)) + wanted.sum((1, 2))).clamp(min=1)
