"""How well an outline and a course are followed: boundary IoU, and the centreline Dice of tubes."""

import numpy as np

from bench.data.bounding_box import bounding_box
from bench.data.case import Mask
from bench.data.components import components
from bench.scoring.metrics import areas, iou

BOUNDARY_SHARE = 0.02  # width of the boundary by the image's diagonal, as in the paper of boundary IoU


def boundary_iou(target: Mask, predicted: Mask, plane: tuple[int, int] | None = None) -> float:
    """IoU of what lies within a small distance of the outlines: 2 % of the image's diagonal, inside of each mask.

    A volume is taken slice by slice; its boundaries are compared together.

    Args:
        target: (H, W) or (K, H, W) bool, the reference.
        predicted: the same shape.
        plane: height and width of the whole slice, where the masks are a part of it.

    Returns:
        A value in [0, 1]; NaN if both masks are empty.

    Source: Cheng et al., Boundary IoU, CVPR 2021 (the image's border is a boundary, too).
    """
    height, width = plane or target.shape[-2:]
    distance = max(1, round(BOUNDARY_SHARE * float(np.hypot(height, width))))
    return iou(areas(_boundary(target, distance), _boundary(predicted, distance)))


def _boundary(mask: Mask, distance: int) -> Mask:
    """Foreground at most so many pixels (chessboard distance) from the background of its slice."""
    from scipy import ndimage  # noqa: PLC0415 - slow to load, and a finished run needs none of it

    box = bounding_box(mask)
    size = (1,) * (mask.ndim - 2) + (2 * distance + 1,) * 2
    made = mask.copy()
    if mask[box].size:
        made[box] &= ~ndimage.minimum_filter(mask[box], size=size, mode="constant", cval=False)
    return made


def centreline_dice(target: Mask, predicted: Mask) -> float:
    """clDice: how much of each mask's centreline lies within the other mask; for vessels and other tubes.

    Args:
        target: (H, W) or (K, H, W) bool, the reference.
        predicted: the same shape.

    Returns:
        A value in [0, 1]: the harmonic mean of both shares; 0 if one mask is empty, NaN if both are.

    Source: Shit et al., clDice, CVPR 2021; centrelines by scikit-image (Zhang in 2-D, Lee in 3-D).
    """
    if not target.any() or not predicted.any():
        return 0.0 if target.any() or predicted.any() else float("nan")
    box = bounding_box(target | predicted)
    one, other = target[box], predicted[box]
    precision, sensitivity = _share(other, one), _share(one, other)
    return 2 * precision * sensitivity / (precision + sensitivity) if precision + sensitivity else 0.0


def _share(tube: Mask, within: Mask) -> float:
    """The share of a tube's centreline that lies within another mask."""
    line = _centreline(tube)
    return float(np.count_nonzero(line & within) / np.count_nonzero(line))


def _centreline(tube: Mask) -> Mask:
    """The skeleton; a component that Lee's thinning removes whole (blocks of even width) is its own centreline."""
    from skimage.morphology import skeletonize  # noqa: PLC0415 - slow to load, too

    line: Mask = skeletonize(tube).astype(bool)
    parts, count = components(tube)
    kept = np.bincount(parts[line], minlength=count + 1) > 0
    return line | (tube & ~kept[parts])
