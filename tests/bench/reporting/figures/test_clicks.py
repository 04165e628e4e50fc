import pytest
from matplotlib.collections import PolyCollection

from bench.reporting.figures.clicks import clicks
from tests.helpers.figures import lines, only
from tests.helpers.runs import MODELS, everything, level, scored_run


def test_click_curves_have_a_point_a_round_and_a_band():
    rows = [
        {
            "model": model, "dataset": "segthor", "patient": f"p{patient}", "case": f"c{patient}", "target": "heart",
            "prompt": "clicks", "round": number, "value": 0.2 * number + 0.1 * MODELS.index(model) + 0.02 * patient,
        }
        for model in MODELS
        for patient in range(3)
        for number in (1, 2, 3)
    ]  # fmt: skip
    picture = only(clicks(scored_run(rows, prompts=("clicks",), datasets=("segthor", "isles2022"))))
    (ax,) = picture.figure.axes  # no panel for a data set without records
    assert lines(ax).keys() == set(MODELS)
    assert lines(ax)["sam/mini"].get_xdata().tolist() == [1, 2, 3]
    assert lines(ax)["sam/mini"].get_ydata().tolist() == pytest.approx([32, 52, 72])
    bands = [part for part in ax.collections if isinstance(part, PolyCollection)]
    assert len(bands) == 3
    assert bands[0].get_paths()[0].vertices[:, 1].min() < 22 < bands[0].get_paths()[0].vertices[:, 1].max()
    assert [text.get_text() for text in picture.figure.legends[0].get_texts()] == list(MODELS)


def test_click_curves_need_clicks():
    (absent,) = clicks(everything(level))
    assert absent.reason == "the run has no prompt with several rounds; add --prompt clicks"
