import pytest

from bench.reporting.figures.speed import Cost, front, speed
from tests.helpers.figures import lines, only
from tests.helpers.runs import MODELS, everything, level


def test_speed_stands_at_milliseconds_and_mean_dice():
    run = everything(level)
    run.records.loc[run.records["model"] == "sam/mini", "seconds_encode"] = 0.098
    picture = only(speed(run, "box"))
    (ax,) = picture.figure.axes
    assert ax.get_xscale() == "log"
    points = {name: (line.get_xdata()[0], line.get_ydata()[0]) for name, line in lines(ax).items()}
    assert points["sam/mini"] == pytest.approx((100, 63.5))
    assert points["medsam/mini"] == pytest.approx((12, 73.5))
    (legend,) = picture.figure.legends
    assert [text.get_text() for text in legend.texts] == list(MODELS)
    assert "a chip" in picture.caption


def test_front_keeps_what_nobody_beats_in_both():
    costs = {"slow": Cost(9, 90), "fast": Cost(1, 50), "beaten": Cost(5, 50), "middle": Cost(4, 70)}
    assert front(costs) == ["fast", "middle", "slow"]


def test_speed_needs_seconds():
    run = everything(level)
    run.records[["seconds_encode", "seconds_decode"]] = 0.0
    (absent,) = speed(run, "box")
    assert "no seconds" in absent.reason
