import pytest

from bench.reporting.figures.reliability import reliability
from tests.helpers.figures import lines, only, texts
from tests.helpers.runs import everything, level, scored_run


def predictions(model, score, overlap):
    keys = {"model": model, "dataset": "segthor", "target": "heart"}
    values = {"predicted_iou": score, "iou": overlap}
    return [keys | {"case": f"c{n}", "metric": m, "value": v} for n in range(6) for m, v in values.items()]


def test_reliability_stands_on_the_line_where_scores_are_true():
    rows = [*predictions("sam/mini", 0.85, 0.85), *predictions("medsam/mini", 0.95, 0.55)]
    picture = only(reliability(scored_run(rows), "box"))
    (ax,) = picture.figure.axes
    drawn = {name: [*line.get_xdata(), *line.get_ydata()] for name, line in lines(ax).items()}
    assert drawn["sam/mini"] == pytest.approx([0.85, 0.85])
    assert drawn["medsam/mini"] == pytest.approx([0.95, 0.55])
    assert texts(ax) == ["ECE\nsam/mini 0.00\nmedsam/mini 0.40"]
    assert "medsam/mini overrates itself by 0.40" in picture.alt


def test_reliability_needs_predicted_scores():
    (absent,) = reliability(everything(level), "box")
    assert "no predicted_iou" in absent.reason
