"""The rules by which lesions are matched with components of a prediction, by the names of those who set them."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal


@dataclass(frozen=True, slots=True)
class MatchingRule:
    """How lesions are matched one to one with components of the prediction, and averaged.

    Attributes:
        overlap: what decides: IoU or Dice.
        least: the smallest overlap of a match; with 0, any common voxel.
        assigned: "greedy": the largest overlap first; "best total": the assignment with the largest sum.
        unmatched: lesions and components without a partner count as 0 in the mean; otherwise they are left out of it.
        text: for captions.
    """

    overlap: Literal["iou", "dice"]
    least: float
    assigned: Literal["greedy", "best total"]
    unmatched: bool
    text: str


MATCHING_RULES: Mapping[str, MatchingRule] = MappingProxyType(
    {
        "panoptica": MatchingRule(
            "iou",
            0.5,
            "greedy",
            unmatched=False,
            text="mean over lesions matched one to one with an IoU of 50 % or more, 0 if none is "
            "(panoptica's configuration for ISLES)",
        ),
        "brats": MatchingRule(
            "dice",
            0.0,
            "best total",
            unmatched=True,
            text="mean over lesions matched one to one with the largest total Dice, missed and invented ones count 0 "
            "(BraTS 2025)",
        ),
    }
)
