"""SegMoTE's losses: equations 7 to 10, and the terms that the released training has instead of eq. 10.

`targets` are 0 or 1, `logits` raw, both of one shape. The released terms treat a whole batch as one picture; the
paper's Dice (eq. 10) is computed per row and averaged. L_total (eq. 11), a segmentation loss plus
`Recipe.balance_weight` times `balance_loss`, is composed in `segmote.training.step`.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from segmote.network.config import SegmoteConfig
from segmote.network.router import Routing

FOCAL_WEIGHT = 20.0
FOCAL_FOREGROUND = 0.25
LOG_FLOOR = 1e-12
IOU_FLOOR = 1e-7
MEAN_FLOOR = 1e-10


def balance_loss(routings: Sequence[Routing], config: SegmoteConfig) -> Tensor:
    """L_balance of a pass (eq. 8): of its last layer's routing, or the mean over all, as `config` says."""
    counted = routings[-1:] if config.balance_layers == "last" else routings
    return torch.stack([torch.stack(layer_balance(routing, config)).sum() for routing in counted]).mean()


def layer_balance(routing: Routing, config: SegmoteConfig) -> tuple[Tensor, Tensor]:
    """CV^2 of importance and of load (the two terms of eq. 8) in one layer."""
    return (
        squared_variation(importance(routing, config).flatten()),
        squared_variation(load(routing, config)),
    )


def importance(routing: Routing, config: SegmoteConfig) -> Tensor:
    """Sums of the gates (eq. 7): (E,) by expert, or (T, E) by token and expert."""
    by_token = routing.gates.sum(dim=0)  # (T, E)
    return by_token if config.importance == "token_expert" else by_token.sum(dim=0)


def load(routing: Routing, config: SegmoteConfig) -> Tensor:
    """How many tokens each expert (E,) has got (eq. 7), or, while noisy and if so configured, the sum of its gates."""
    if config.load == "gate_sum" and routing.noisy:
        return routing.gates.sum(dim=(0, 1))
    return (routing.gates > 0).sum(dim=(0, 1)).to(routing.gates.dtype)


def squared_variation(values: Tensor) -> Tensor:
    """CV^2 (eq. 9) of (n,) values, by the unbiased variance; 0 for a single one."""
    if len(values) == 1:
        return values.new_zeros(())
    return values.var() / (values.mean() ** 2 + MEAN_FLOOR)


def dice_loss(targets: Tensor, logits: Tensor) -> Tensor:
    """L_seg as in the paper (eq. 10), the mean over B rows (B, ...); 1 for a row without foreground.

    >>> float(dice_loss(torch.tensor([[1.0, 0.0]]), torch.tensor([[40.0, -40.0]])))
    0.0
    """
    drawn, targets = logits.sigmoid().flatten(1), targets.flatten(1)
    both = 2 * (drawn * targets).sum(dim=1)
    total = drawn.sum(dim=1) + targets.sum(dim=1)
    return (1 - both / total).mean()


def released_loss(targets: Tensor, logits: Tensor, predicted_iou: Tensor) -> Tensor:
    """The released training's segmentation loss: 20 focal + Dice + error of the predicted IoU (B,)."""
    return (
        FOCAL_WEIGHT * focal(targets, logits) + batch_dice(targets, logits) + iou_error(targets, logits, predicted_iou)
    )


def focal(targets: Tensor, logits: Tensor) -> Tensor:
    """Focal loss with exponent 2, the mean over all pixels."""
    drawn = logits.sigmoid()
    found = FOCAL_FOREGROUND * targets * (1 - drawn) ** 2 * (drawn + LOG_FLOOR).log()
    spared = (1 - FOCAL_FOREGROUND) * (1 - targets) * drawn**2 * (1 - drawn + LOG_FLOOR).log()
    return -(found + spared).sum() / (targets.numel() + LOG_FLOOR)


def batch_dice(targets: Tensor, logits: Tensor) -> Tensor:
    """Dice loss of the whole batch, smoothed by one pixel."""
    drawn = logits.sigmoid()
    return 1 - (2 * (drawn * targets).sum() + 1) / (drawn.sum() + targets.sum() + 1)


def iou_error(targets: Tensor, logits: Tensor, predicted_iou: Tensor) -> Tensor:
    """Mean squared difference between the whole batch's soft IoU and the predicted ones (B,)."""
    drawn = logits.sigmoid()
    both = (drawn * targets).sum()
    actual = (both + IOU_FLOOR) / (drawn.sum() + targets.sum() - both + IOU_FLOOR)
    return ((actual - predicted_iou) ** 2).mean()
