"""Dice on held-out patients, by data set and prompt: boxes and clicks, and no prompt where PPT serves."""

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor

from segmote.network.model import Segmote
from segmote.recipe import Recipe
from segmote.training.batches import PROMPTS, generator, is_served
from segmote.training.data import Mask, read_masks
from segmote.training.prepare import TrainingData
from segmote.training.prompts import Prompts, to_input
from segmote.training.simulated_user import box, click
from segmote.training.step import dice

KINDS = ("box", "click", "auto")
Dice = dict[str, dict[str, float]]


@torch.no_grad()
def validate(
    network: Segmote,
    data: TrainingData,
    recipe: Recipe,
    summed: Callable[[Tensor], Tensor] = lambda sums: sums,
    part: slice = slice(None),
) -> Dice:
    """Mean Dice of all masks on the grid of the network's input, without router noise: data set -> kind -> Dice.

    Args:
        network: on any device.
        data: its held-out items are used; the same in all processes.
        recipe: names the sets with "auto", no prompt at all, and says where boxes end.
        summed: adds up sums of all processes.
        part: of the items that this process evaluates.
    """
    items, store = data.held_out, data.store
    codes = sorted({item.code for item in items})
    sums = torch.zeros(len(codes), len(KINDS), 2)
    for index in range(len(items))[part]:
        item = items[index]
        masks = list(read_masks(item, store.side).values())
        prompts = {"box": _boxes(masks, recipe.box_past_px), "click": _clicks(masks, index)}
        if is_served(item, recipe.ppt_sets) and network.config.ppt_queries:
            prompts["auto"] = Prompts()
        for kind, prompt in prompts.items():
            values = _dice_of(network, masks, prompt, store.read(data.files[item.image]))
            sums[codes.index(item.code), KINDS.index(kind)] += torch.tensor([values.sum(), len(values)])
    total = summed(sums)
    return {
        code: {kind: float(value / count) for kind, (value, count) in zip(KINDS, row, strict=True) if count}
        for code, row in zip(codes, total, strict=True)
    }


def _boxes(masks: Sequence[Mask], past: int) -> Prompts:
    return Prompts(boxes=torch.from_numpy(np.stack([box(mask, None, past=past) for mask in masks])))


def _clicks(masks: Sequence[Mask], index: int) -> Prompts:
    clicks = [click(mask, generator(0, 0, index, PROMPTS, row)) for row, mask in enumerate(masks)]
    xy, labels = (torch.from_numpy(np.stack(part)) for part in zip(*clicks, strict=True))
    return Prompts(points=(xy, labels))


def _dice_of(network: Segmote, masks: Sequence[Mask], prompts: Prompts, encoded: tuple[Tensor, Tensor]) -> Tensor:
    """(B,) Dice of each mask; an unprompted mask is compared with every target."""
    device = network.text_out_dim.weight.device
    embedding, early = (part[None].to(device) for part in encoded)
    points = None if prompts.points is None else (prompts.points[0].to(device), prompts.points[1].to(device))
    boxes = None if prompts.boxes is None else prompts.boxes.to(device)
    unprompted = points is None and boxes is None
    drawn = network.decode(
        embedding, points, boxes, details=network.details(embedding, early), ppt=unprompted, noise=False
    )
    targets = torch.from_numpy(np.stack(masks))[:, None]
    shown = (to_input(drawn.mask, targets.shape[-1]) > 0).cpu()
    return dice(targets, shown.expand_as(targets))
