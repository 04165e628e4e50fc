"""Figure 5 from numbers by hand."""

import numpy as np

from bench.statistics.patients import AVERAGE
from bench.studies.reproduction import figure5
from bench.studies.reproduction.runs import OWN, RunNumber

NAN = float("nan")


def number(dataset: str, model: str, prompt: str, value: float, reach: float = 2.0) -> RunNumber:
    return RunNumber(dataset, AVERAGE, model, prompt, value, value - reach, value + reach, "")


def test_bars_stand_at_their_values_and_sizes_on_a_log_axis() -> None:
    found = [number(name, model, "click", 40.0 + 10 * (model == OWN)) for name in "ab" for model in ("sam/mini", OWN)]
    found += [number("a", "sam/mini", "box", 80.0), number("b", "sam/mini", "box", 90.0, NAN)]
    sizes = {"SAM": 1_000_000_000, "trained here": 700}
    drawn = figure5.figure(found, {"a": "CT", "b": "MR T1"}, sizes, "phantoms")
    clicks, boxes, counts = drawn.axes
    assert sorted(bar.get_height() for bar in clicks.patches) == [40.0, 40.0, 50.0, 50.0]
    assert [bar.get_height() for bar in boxes.patches] == [80.0, 90.0]
    assert [label.get_text() for label in clicks.get_xticklabels()] == ["CT", "MR\nT1"]
    assert counts.get_xscale() == "log" and [bar.get_width() for bar in counts.patches] == [1e9, 700]
    assert "700" in {text.get_text() for text in counts.texts}
    assert clicks.get_title() == "(a) one click" and boxes.get_title().endswith(f"not trained on it: {OWN}")
    (legend,) = drawn.legends
    assert [text.get_text() for text in legend.get_texts()] == ["sam/mini", OWN]
    reach = np.concatenate([np.ptp([part[:, 1] for part in c.get_segments()], axis=1) for c in clicks.collections])
    np.testing.assert_allclose(reach, 4.0)


def test_published_sizes_and_ours() -> None:
    sizes = figure5.training_sizes(123)
    assert sizes["SegMoTE"] == 154_569 and sizes["IMIS"] == 361_000_000 and sizes["trained here"] == 123
    assert min(sizes, key=sizes.__getitem__) == "trained here" and max(sizes, key=sizes.__getitem__) == "SAM"
