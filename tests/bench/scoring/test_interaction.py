import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.integrate import trapezoid

from bench.scoring.interaction import click_auc, clicks_needed, interaction_scores, never_reached
from tests.helpers.records import records

CURVES = np.array([[0.9, 0.2, 0.3], [0.1, 0.2, 0.85], [0.1, 0.2, 0.3], [np.nan, 0.9, np.nan], [np.nan] * 3])


def test_clicks_needed_by_hand():
    np.testing.assert_array_equal(clicks_needed(CURVES, 0.85), [1, 3, 3, 2, np.nan])


def test_solved_in_the_last_round_is_no_failure():
    np.testing.assert_array_equal(never_reached(CURVES, 0.85), [0, 0, 1, 0, np.nan])


def test_auc_is_the_normalised_trapezoid_rule():
    scores = np.array([[0.2, 0.6, 0.8], [1.0, 1.0, 1.0]])
    curve = np.concatenate([[[0.4], [1.0]], scores], axis=1)
    np.testing.assert_allclose(click_auc(scores, np.array([0.4, 1.0])), trapezoid(curve, axis=1) / 3)
    assert click_auc(scores[1], before=1.0) == 1.0
    assert click_auc(scores[1]) == pytest.approx(5 / 6)


def test_auc_of_a_curve_with_a_gap_is_undefined():
    assert np.isnan(click_auc(CURVES[3]))


@given(arrays(float, (4, 6), elements=st.floats(0, 1)), st.floats(0, 1), st.floats(0, 1))
def test_a_higher_threshold_never_needs_fewer_clicks(scores, one, two):
    low, high = sorted((one, two))
    assert (clicks_needed(scores, low) <= clicks_needed(scores, high)).all()
    assert (never_reached(scores, low) <= never_reached(scores, high)).all()


def test_no_rounds_are_refused():
    with pytest.raises(ValueError, match="round"):
        clicks_needed(np.empty((3, 0)), 0.5)


def clicked(model, values, **facts):
    return [
        {"model": model, "prompt": "clicks", "metric": "iou", "round": number, "value": value} | facts
        for number, value in enumerate(values, 1)
    ]


def test_records_in_give_records_out():
    given = records(
        *clicked("a", (0.5, 0.9, 0.95)),
        *clicked("b", (0.1, 0.2, np.nan), slice=3),
        {"metric": "iou", "value": 0.99},
        {"metric": "dice", "prompt": "clicks"},
    )
    made = interaction_scores(given)
    assert list(made.columns) == list(given.columns)
    assert set(made["prompt"]) == {"clicks"} and made["round"].isna().all()
    values = made.set_index(["model", "metric"])["value"]
    assert values["a", "noc@85"] == values["a", "noc@90"] == 2
    assert values["b", "noc@85"] == 3 and values["b", "nof@85"] == 1
    assert np.isnan(values["b", "iou_auc"])
    assert made.loc[made["value"].isna(), "status"].tolist() == ["undefined"]
    assert set(made.loc[made["model"] == "b", "slice"]) == {3}


def test_volumes_and_runs_without_rounds():
    given = records(*clicked("a", (0.2, 0.9), slice=pd.NA), {"metric": "iou", "slice": 1})
    made = interaction_scores(given, thresholds=(85,))
    assert made["slice"].isna().all() and len(made) == 3
    assert interaction_scores(given[given["prompt"] == "box"]).empty
