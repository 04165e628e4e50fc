"""What it costs and spoils to segment a volume: by propagation from one slice, or slice by slice."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod

import numpy as np

from bench.protocols import PromptedSlice, prompted_slice
from bench.scoring.pair import FAILED, UNDEFINED, Scored
from bench.scoring.stored_case import StoredCase
from bench.scoring.volume import VolumeGrid

NAMES = ("prompted_dice", "over_ml", "over_slices", "user_actions")
WITHOUT_USER = ("auto",)  # prompts that nobody gives
MM3_PER_ML = 1000.0


@dataclass(frozen=True, slots=True)
class SliceScore:
    """One slice of one class, prompt and round.

    Attributes:
        slice: its index.
        target_px, predicted_px: areas; of the prediction None where it failed.
        dice: of the two.
        actions: what the user has given on this slice up to this round.
    """

    slice: int
    target_px: int
    predicted_px: int | None
    dice: Scored
    actions: int


def slice_score(stored: StoredCase, number: int, target_px: int, scores: Mapping[str, Scored]) -> SliceScore:
    """The slice of an entry.

    Args:
        stored: the case.
        number: of the entry.
        target_px: area of its target.
        scores: of its mask.
    """
    entry, mask = stored.drawn.index[number], stored.drawn.masks[number]
    asked = entry.get("asked", True) and entry["prompt"] not in WITHOUT_USER
    area = None if mask is None else int(np.count_nonzero(mask))
    return SliceScore(entry["slice"], target_px, area, scores["dice"], entry["round"] if asked else 0)


def propagation_scores(slices: Sequence[SliceScore], rule: PromptedSlice, grid: VolumeGrid) -> dict[str, Scored]:
    """Dice on the prompted slice, what was drawn beyond the target's first and last slice, and what the user gave.

    Args:
        slices: of one class, prompt and round; slices that are missing were not predicted and count as empty.
        rule: of the protocol.
        grid: of the volume.
    """
    if any(one.predicted_px is None for one in slices):
        return dict.fromkeys(NAMES, FAILED)
    areas = {one.slice: one.target_px for one in slices if one.target_px}
    beyond = [one.predicted_px or 0 for one in slices if not min(areas) <= one.slice <= max(areas)]
    prompted = prompted_slice(areas, rule)
    spacing = grid.spacing_mm if grid.spacing_mm and len(grid.spacing_mm) == 3 else None
    over_ml: Scored = UNDEFINED if spacing is None else (sum(beyond) * prod(spacing) / MM3_PER_ML, "ok")
    return {
        "prompted_dice": next(one.dice for one in slices if one.slice == prompted),
        "over_ml": over_ml,
        "over_slices": (float(np.count_nonzero(beyond)), "ok"),
        "user_actions": (float(sum(one.actions for one in slices)), "ok"),
    }
