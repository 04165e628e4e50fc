import pytest

from bench.reporting.draw import draw
from tests.helpers.runs import everything, level


@pytest.mark.slow
def test_draw_makes_every_family_or_says_why_not():
    drawn = draw(everything(level), [])
    assert [one.name for one in drawn.pictures] == ["dice-box", "ranks-box", "dice-by-size-box", "speed-box"]
    assert [one.name for one in drawn.absent] == [
        "calibration-box", "dice-by-clicks", "robustness-box-jitter", "gallery-worst-box", "gallery-random-box",
    ]  # fmt: skip
    assert all(one.reason for one in drawn.absent)
    names = [one.name for one in draw(everything(level, prompts=("box", "box-jitter", "clicks")), []).pictures]
    assert len(names) == len(set(names))
