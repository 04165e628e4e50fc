"""The prompts of a training batch: the first ones, and those that correct the masks predicted so far.

All rows of a batch have the same kind of prompt; positions and numbers are drawn per row.
Source: InMyDreammer/SegMoTE at 77668f0; section 3.4 for the priors of PPT.

B: rows, picture by picture. n: points of a row. Masks are (B, 1, 4h, 4w) logits, targets (B, 1, side, side) bool.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from segmote.recipe import Recipe
from segmote.training.batches import KIND, PRIOR_ROUND, PROMPTS, REGION_KIND, REGION_PROMPTS, Batch, generator
from segmote.training.data import Mask
from segmote.training.simulated_user import ERROR_CLICKS, Clicks, box, click, error_clicks

PRIOR_SHARE = 0.5
TEXT_FOR_MASK_SHARE = 0.4
REGION_BOX_SHARE = 0.5

Points = tuple[Tensor, Tensor]  # (B, n, 2), (B, n)


class Prompts(NamedTuple):
    """The prompts of B rows; None where there is none of a kind.

    Attributes:
        points: coordinates and labels.
        boxes: (B, 4).
        masks: of the round before.
        pooled: (B, text width).
    """

    points: Points | None = None
    boxes: Tensor | None = None
    masks: Tensor | None = None
    pooled: Tensor | None = None


def first_prompts(batch: Batch, recipe: Recipe) -> Prompts:
    """Boxes, clicks or text, chosen with the recipe's probabilities."""
    kinds, shares = zip(*recipe.first_prompts, strict=True)
    kind = _coins(batch, KIND).choice(kinds, p=shares)
    if kind == "text":
        return Prompts(pooled=batch.pooled)
    return _boxes(batch, batch.targets, PROMPTS, recipe) if kind == "box" else _clicks(batch, batch.targets, PROMPTS)


def priors(batch: Batch, drawn: Callable[[], Tensor]) -> Prompts:
    """PPT's foreground priors: a mask, the classes' text, both or neither.

    The mask is the one that the network predicts without any prompt (`drawn` computes it), as in a second round.
    """
    mask, text = _coins(batch, KIND).random(2) < PRIOR_SHARE
    return Prompts(masks=drawn() if mask else None, pooled=batch.pooled if text else None)


def rounds_with_priors(batch: Batch, rounds: int) -> set[int]:
    """The correction rounds with mask and text instead of clicks: the last round and an earlier one."""
    last = rounds - 1
    return {int(_coins(batch, PRIOR_ROUND).integers(max(1, last))), last}


def corrected(batch: Batch, masks: Tensor, number: int, with_priors: bool) -> Prompts:
    """Prompts of correction round `number`: clicks on the masks' errors, together with the masks or sometimes the text.

    With priors: masks and text only, no clicks.
    """
    if with_priors:
        return Prompts(masks=masks, pooled=batch.pooled)
    coins = _coins(batch, KIND, 1 + number)
    points = _error_clicks(batch, batch.targets, masks, (PROMPTS, 1 + number), int(coins.choice(ERROR_CLICKS)))
    if batch.pooled is not None and coins.random() < TEXT_FOR_MASK_SHARE:
        return Prompts(points, pooled=batch.pooled)
    return Prompts(points, masks=masks)


def region_prompts(batch: Batch, regions: Tensor, recipe: Recipe) -> Prompts:
    """Boxes or clicks for the model-drawn regions."""
    if _coins(batch, REGION_KIND).random() < REGION_BOX_SHARE:
        return _boxes(batch, regions, REGION_PROMPTS, recipe)
    return _clicks(batch, regions, REGION_PROMPTS)


def corrected_regions(batch: Batch, regions: Tensor, masks: Tensor, number: int, with_priors: bool) -> Prompts:
    """The masks predicted for regions and, without priors, clicks on their errors."""
    if with_priors:
        return Prompts(masks=masks)
    count = int(_coins(batch, REGION_KIND, 1 + number).choice(ERROR_CLICKS))
    return Prompts(_error_clicks(batch, regions, masks, (REGION_PROMPTS, 1 + number), count), masks=masks)


def router_noise(batch: Batch, shape: tuple[int, int, int, int], purpose: int, number: int) -> Tensor:
    """Z of eq. 2 for a batch's rows: draws from N(0, 1) of shape (layers, B, experts, experts)."""
    layers, rows, *experts = shape
    part = (layers, rows // len(batch.indices), *experts)
    draws = [_own(batch, index, purpose, number).standard_normal(part, np.float32) for index in batch.indices]
    return torch.from_numpy(np.concatenate(draws, axis=1)).to(batch.embeddings.device)


def to_input(masks: Tensor, side: int) -> Tensor:
    """Logits (B, 1, side, side) on the grid of the network's input, in float32."""
    return F.interpolate(masks.float(), (side, side), mode="bilinear", align_corners=False)


def _coins(batch: Batch, purpose: int, number: int = 0) -> np.random.Generator:
    """The generator of what all rows of a batch share."""
    return generator(batch.seed, batch.epoch, batch.number, purpose, number)


def _own(batch: Batch, index: int, purpose: int, number: int) -> np.random.Generator:
    """The generator of one picture's rows."""
    return generator(batch.seed, batch.epoch, index, purpose, number)


def _boxes(batch: Batch, targets: Tensor, purpose: int, recipe: Recipe) -> Prompts:
    rows = _rows(batch, targets, purpose, 0)
    boxes = [box(mask, rng, recipe.box_noise_px, recipe.box_past_px) for mask, rng in rows]
    return Prompts(boxes=torch.from_numpy(np.stack(boxes)).to(targets.device))


def _clicks(batch: Batch, targets: Tensor, purpose: int) -> Prompts:
    clicks = [click(mask, rng) for mask, rng in _rows(batch, targets, purpose, 0)]
    return Prompts(_stacked(clicks, targets.device))


def _error_clicks(batch: Batch, targets: Tensor, masks: Tensor, draw: tuple[int, int], count: int) -> Points:
    """`count` clicks on each row's errors; `draw` is purpose and round of the generators."""
    shown = _arrays(to_input(masks, targets.shape[-1]) > 0)
    rows = zip(_rows(batch, targets, *draw), shown, strict=True)
    return _stacked([error_clicks(mask, drawn, count, rng) for (mask, rng), drawn in rows], targets.device)


def _rows(batch: Batch, targets: Tensor, purpose: int, number: int) -> list[tuple[Mask, np.random.Generator]]:
    """Each row's target, and its picture's generator."""
    generators = [_own(batch, index, purpose, number) for index in batch.indices]
    masks = len(targets) // len(generators)
    return list(zip(_arrays(targets), [rng for rng in generators for _ in range(masks)], strict=True))


def _arrays(masks: Tensor) -> NDArray[np.bool_]:
    return masks[:, 0].cpu().numpy()


def _stacked(clicks: list[Clicks], device: torch.device) -> Points:
    xy, labels = (torch.from_numpy(np.stack(part)).to(device) for part in zip(*clicks, strict=True))
    return xy, labels
