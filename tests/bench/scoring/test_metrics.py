import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from bench.scoring import metrics, propagation
from bench.scoring.metrics import Areas, areas

pairs = st.tuples(st.integers(1, 8), st.integers(1, 8)).flatmap(
    lambda shape: st.tuples(arrays(bool, shape), arrays(bool, shape))
)


@given(pairs)
def test_overlaps_equal_a_count_over_sets_of_pixels(pair):
    target, predicted = ({tuple(p) for p in np.argwhere(mask)} for mask in pair)
    both, either = target & predicted, target | predicted
    counted = areas(*pair)
    if not either:
        assert math.isnan(metrics.dice(counted)) and math.isnan(metrics.iou(counted))
        return
    assert metrics.dice(counted) == pytest.approx(2 * len(both) / (len(target) + len(predicted)))
    assert metrics.iou(counted) == pytest.approx(len(both) / len(either))


@settings(deadline=None, max_examples=30)  # the first example imports torch and monai
@given(pairs)
def test_monai_agrees(pair):
    monai = pytest.importorskip("monai.metrics")
    torch = pytest.importorskip("torch")
    target, predicted = (torch.from_numpy(mask)[None, None].float() for mask in pair)
    theirs = float(monai.DiceMetric(ignore_empty=True)(predicted, target))
    if pair[0].any():  # MONAI leaves an empty target out
        assert metrics.dice(areas(*pair)) == pytest.approx(theirs)


def test_slices_add_up_to_a_volume():
    rng = np.random.default_rng(0)
    target, predicted = rng.random((2, 4, 6, 5)) > 0.5
    stacked = sum((areas(t, p) for t, p in zip(target, predicted, strict=True)), Areas(0, 0, 0))
    assert stacked == areas(target, predicted)


def test_total_miss_is_zero():
    assert metrics.dice(Areas(5, 0, 0)) == metrics.iou(Areas(0, 5, 0)) == 0


@pytest.mark.parametrize(
    ("target", "predicted", "text"),
    [
        (np.ones((2, 2), bool), np.ones((2, 3), bool), r"\(2, 2\).*\(2, 3\)"),
        (np.ones((2, 2), bool), np.ones((2, 2)), "float64"),
    ],
)
def test_bad_masks_are_refused_by_value(target, predicted, text):
    with pytest.raises(ValueError, match=text):
        areas(target, predicted)


def test_every_metric_says_what_it_is():
    for name, one in metrics.METRICS.items():
        assert one.name == name and one.title and one.text
        assert one.volume == (name.startswith(("volume_", "lesion")) or name in propagation.NAMES)
    assert not metrics.METRICS["hd95"].higher_is_better and metrics.METRICS["hd95"].unit == "mm"
    assert metrics.METRICS["dice"].higher_is_better and metrics.METRICS["dice"].unit == "%"


def test_other_tolerances_are_known_by_name():
    one = metrics.metric("volume_nsd@1.5mm")
    assert one.title == "volume NSD@1.5mm" and "1.5 mm" in one.text and one.volume and one.higher_is_better
    assert metrics.metric(metrics.nsd_name(3)).title == "NSD@3mm"
    assert metrics.metric("hd95_px").unit == "px" and not metrics.metric("hd95_px").higher_is_better


@pytest.mark.parametrize("name", ["dicee", "nsd@", "nsd@2", "nsd@2cm", ""])
def test_unknown_metrics_are_refused_by_name(name):
    with pytest.raises(ValueError, match=f"unknown metric '{name}'"):
        metrics.metric(name)


def test_an_overlap_brings_its_volume_and_its_oracle():
    for name in metrics.OVERLAPS:
        own, volume, oracle = (metrics.metric(f"{before}{name}") for before in ("", "volume_", "oracle_"))
        assert volume.volume and not own.volume
        assert {one.unit for one in (own, volume, oracle)} == {own.unit}
