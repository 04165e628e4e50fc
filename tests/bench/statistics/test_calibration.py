import numpy as np
import pytest

from bench.statistics.calibration import calibration, calibrations, regret
from tests.helpers.records import records


def test_by_hand():
    predicted = np.array([0.05, 0.15, 0.95, 0.85, 1.2])
    true = np.array([0.0, 0.2, 0.6, 0.8, 1.0])
    found = calibration(predicted, true, bins=2)
    np.testing.assert_allclose(found.predicted, [0.1, 1.0])
    np.testing.assert_allclose(found.true, [0.1, 0.8])
    np.testing.assert_array_equal(found.counts, [2, 3])
    assert found.ece == pytest.approx(0.6 * 0.2)
    assert found.bias == pytest.approx(0.6 * 0.2)


def test_a_perfect_score_has_no_error_and_full_rank_correlation():
    values = np.random.default_rng(0).random(500)
    found = calibration(values, values)
    assert found.ece == pytest.approx(0, abs=1e-12)
    assert found.spearman == pytest.approx(1)


def test_agrees_with_a_loop_over_bins():
    rng = np.random.default_rng(1)
    predicted, true = rng.random(400), rng.random(400)
    error = 0.0
    for low in np.arange(10) / 10:
        inside = (predicted >= low) & (predicted < low + 0.1)
        if inside.any():
            error += inside.mean() * abs(true[inside].mean() - predicted[inside].mean())
    assert calibration(predicted, true).ece == pytest.approx(error, abs=1e-6)


def test_undefined_values_are_counted():
    found = calibration(np.array([0.5, np.nan, 0.7]), np.array([0.5, 0.5, np.nan]))
    assert found.left_out == 2 and found.counts.sum() == 1
    assert np.isnan(found.spearman)


def test_nothing_to_compare_is_undefined():
    found = calibration(np.array([np.nan]), np.array([0.5]))
    assert np.isnan(found.ece) and np.isnan(found.bias) and found.left_out == 1


def test_scores_beyond_the_scale_stay_in_the_end_bins():
    found = calibration(np.array([-0.2, 1.0, 1.3]), np.zeros(3), bins=4)
    np.testing.assert_array_equal(found.counts, [1, 0, 0, 2])


@pytest.mark.parametrize(("predicted", "true", "bins"), [(np.zeros(2), np.zeros(3), 10), (np.zeros(2), np.zeros(2), 0)])
def test_bad_input_is_refused(predicted, true, bins):
    with pytest.raises(ValueError, match=r"must (both )?be"):
        calibration(predicted, true, bins)


def test_regret_is_the_loss_against_the_best_candidate():
    overlaps = np.array([[0.5, 0.8, 0.7], [0.9, 0.1, 0.2], [0.4, np.nan, np.nan], [np.nan] * 3])
    scores = np.array([[0.9, 0.7, 0.8], [0.9, 0.1, 0.2], [0.3, np.nan, np.nan], [np.nan] * 3])
    np.testing.assert_allclose(regret(overlaps, scores), [0.3, 0.0, 0.0, np.nan])


def test_regret_is_never_negative():
    rng = np.random.default_rng(2)
    assert (regret(rng.random((200, 3)), rng.random((200, 3))) >= 0).all()


def test_regret_refuses_unequal_shapes():
    with pytest.raises(ValueError, match="must both be"):
        regret(np.zeros((2, 3)), np.zeros((2, 1)))


def test_records_are_paired_by_prediction():
    given = records(
        {"metric": "predicted_iou", "value": 0.9},
        {"metric": "iou", "value": 0.4},
        {"metric": "predicted_iou", "value": np.nan, "slice": 1},
        {"metric": "iou", "value": 0.4, "slice": 1},
        {"metric": "dice", "value": 0.1},
        {"metric": "iou", "value": 0.4, "model": "without score"},
    )
    found = calibrations(given)
    assert list(found) == [("d", "a", "box")]
    only = found["d", "a", "box"]
    assert only.ece == pytest.approx(0.5) and only.left_out == 1
