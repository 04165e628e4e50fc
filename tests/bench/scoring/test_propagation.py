import math

import pytest

from bench.scoring.pair import FAILED, UNDEFINED
from bench.scoring.propagation import NAMES, SliceScore, propagation_scores
from bench.scoring.volume import VolumeGrid

GRID = VolumeGrid((9, 20, 20), (5.0, 2.0, 1.0), 0)
SLICES = [
    SliceScore(1, 0, 7, (0.0, "ok"), 0),  # below the target
    SliceScore(2, 10, 10, (1.0, "ok"), 0),
    SliceScore(3, 0, 4, (0.0, "ok"), 0),  # a gap within it is no over-propagation
    SliceScore(4, 30, 20, (0.8, "ok"), 2),
    SliceScore(5, 5, 0, (0.0, "ok"), 0),
    SliceScore(6, 0, 3, (0.0, "ok"), 0),
    SliceScore(7, 0, 0, UNDEFINED, 0),
]


def test_what_lies_beyond_the_target_is_counted():
    found = propagation_scores(SLICES, "middle", GRID)
    assert tuple(found) == NAMES
    assert found["over_slices"] == (2, "ok")
    assert found["over_ml"] == (pytest.approx(10 * 10 / 1000), "ok")
    assert found["user_actions"] == (2, "ok")


@pytest.mark.parametrize(("rule", "dice"), [("middle", 0.8), ("largest", 0.8), ("first", 1.0)])
def test_dice_is_that_of_the_prompted_slice(rule, dice):
    assert propagation_scores(SLICES, rule, GRID)["prompted_dice"] == (dice, "ok")


def test_a_failed_slice_fails_the_volume():
    broken = [*SLICES, SliceScore(8, 0, None, FAILED, 0)]
    found = propagation_scores(broken, "middle", GRID)
    assert all(status == "failed" and math.isnan(value) for value, status in found.values())


def test_a_picture_has_no_volume_to_spill_into():
    found = propagation_scores([SliceScore(0, 5, 5, (1.0, "ok"), 1)], "middle", VolumeGrid((20, 20), (1.0, 1.0), 0))
    assert found["over_ml"][1] == "undefined" and found["over_slices"] == (0, "ok")
