"""A model in a package of its own: the pixels of a box that are no brighter than the box's mean."""

from typing import ClassVar

from adapters import Card
from adapters.families.baseline import BaselineSegmenter, filled

BOX = frozenset({"box"})
CARD = Card("darker/mean", "Darker than the mean", BOX, frozenset({BOX}), 0, None, "Apache-2.0", "-", "none", "nothing")


class DarkerThanMean(BaselineSegmenter):
    """Everything but the rule is that of the baselines; a network of your own has `build`, `encode` and `decode`."""

    cards: ClassVar = {CARD.name: CARD}

    def rule(self, grey, box):
        """The mask (H, W) of a box (4,) on a grey image (H, W)."""
        inside = filled(grey, box)
        return inside & (grey <= grey[inside].mean()) if inside.any() else inside
