import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.prompting import clicks
from bench.protocols import PROTOCOLS
from tests.helpers.masks import masks

BENCH = PROTOCOLS["bench"]
RNG = np.random.default_rng(0)


@given(masks)
def test_clicks_lie_on_the_object(mask):
    for protocol in (one for one in PROTOCOLS.values() if one.click != "centroid"):  # which may lie outside
        [(x, y, label)] = clicks.click(mask, protocol, np.random.default_rng(0)).clicks
        assert mask[y, x] and label == 1


def test_centre_click_is_the_distance_maximum_of_the_largest_component():
    mask = np.zeros((9, 12), bool)
    mask[1:8, 4:11] = True
    mask[0, 0:2] = True
    assert clicks.centre(mask) == (7, 4)


def test_centre_stays_away_from_the_image_border():
    assert clicks.centre(np.ones((5, 5), bool)) == (2, 2)


def test_next_click_corrects_the_largest_error():
    target = np.zeros((10, 20), bool)
    target[2:8, 2:8] = True
    predicted = np.zeros_like(target)
    predicted[2:8, 2:7] = True  # misses a column of 6 pixels
    predicted[3:6, 12:17] = True  # 15 false pixels
    assert clicks.next_click(target, predicted, BENCH, RNG) == (13, 4, 0)
    predicted[3:6, 12:17] = False
    assert clicks.next_click(target, predicted, BENCH, RNG)[2] == 1


def test_next_click_is_none_where_nothing_is_wrong():
    mask = np.ones((3, 3), bool)
    assert clicks.next_click(mask, mask, BENCH, RNG) is None


@given(masks, masks)
def test_next_click_is_labelled_by_the_target(target, predicted):
    if target.shape != predicted.shape:
        return
    for protocol in PROTOCOLS.values():
        found = clicks.next_click(target, predicted, protocol, np.random.default_rng(3))
        if found is None:
            assert (target == predicted).all()
        else:
            x, y, label = found
            assert target[y, x] != predicted[y, x] and label == int(target[y, x])


def brute_force_depth(mask):
    """Distance of every pixel to the nearest one outside the mask, all beyond the border among them."""
    padded = np.pad(mask, 1)
    outside = np.argwhere(~padded)
    depth = [np.sqrt(((outside - np.array(place)) ** 2).sum(axis=1).min()) for place in np.ndindex(padded.shape)]
    return np.array(depth).reshape(padded.shape)[1:-1, 1:-1]


@given(masks, st.integers(0, 2**32))
def test_ritm_clicks_the_deepest_error_that_was_not_clicked(target, seed):
    predicted = np.random.default_rng(seed).random(target.shape) > 0.5
    rule, clicked = PROTOCOLS["ritm"], []
    missed, false = (brute_force_depth(part) for part in (target & ~predicted, predicted & ~target))
    for _ in range(3):
        found = clicks.next_click(target, predicted, rule, RNG, clicked)
        deepest = max(missed.max(), false.max())
        if found is None:
            assert deepest == 0
            return
        x, y, label = found
        assert (missed if label else false)[y, x] == pytest.approx(deepest) and deepest > 0
        assert label == int(missed.max() > false.max())
        missed[y, x] = false[y, x] = 0
        clicked.append(found)


@given(masks)
def test_centroid_click_is_the_mean_of_the_pixels(mask):
    [(x, y, _)] = clicks.click(mask, PROTOCOLS["huang"], RNG).clicks
    rows, columns = np.nonzero(mask)
    assert abs(x - columns.mean()) <= 0.5 and abs(y - rows.mean()) <= 0.5
