import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from bench.prompting import clicks
from bench.protocols import PROTOCOLS
from tests.helpers.masks import ellipse, masks

BENCH = PROTOCOLS["bench"]
RNG = np.random.default_rng(0)


@settings(deadline=None)
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


@settings(deadline=None)
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


@settings(deadline=None)
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


@settings(deadline=None)
@given(masks)
def test_centroid_click_is_the_mean_of_the_pixels(mask):
    [(x, y, _)] = clicks.click(mask, PROTOCOLS["huang"], RNG).clicks
    rows, columns = np.nonzero(mask)
    assert abs(x - columns.mean()) <= 0.5 and abs(y - rows.mean()) <= 0.5


def naive_next_click(target, predicted, rule, rng, clicked):
    """The rules as they are stated, on the whole image, with SciPy's distances and components of each kind of error."""

    def depth(part):
        return ndimage.distance_transform_edt(np.pad(part, 1))[1:-1, 1:-1]

    def first_deepest(values):
        return np.unravel_index(values.argmax(), values.shape)[::-1]

    kinds = target & ~predicted, predicted & ~target
    if not (kinds[0] | kinds[1]).any():
        return None
    if rule == "ritm":
        depths = [depth(kind) for kind in kinds]
        for one, (x, y, _) in itertools.product(depths, clicked):
            one[y, x] = 0
        best = depths[0] if depths[0].max() > depths[1].max() else depths[1]
        x, y = first_deepest(best)
        return (x, y, int(target[y, x])) if best.any() else None
    if rule in ("near-centroid", "uniform"):
        rows, columns = np.nonzero(kinds[0] | kinds[1])
        pick = rng.integers(len(rows))
        return columns[pick], rows[pick], int(target[rows[pick], columns[pick]])
    parts = []
    for kind in kinds:
        labels, count = ndimage.label(kind, np.ones((3, 3)))
        parts += [labels == number for number in range(1, count + 1)]
    x, y = first_deepest(depth(max(parts, key=np.count_nonzero)))
    return x, y, int(target[y, x])


@st.composite
def pairs(draw):
    """A target and a prediction: noise, blobs, lines of one pixel, stripes of equal depth, nothing, everything."""
    shape = draw(st.tuples(st.integers(1, 40), st.integers(1, 40)))
    rows, columns = np.indices(shape)

    def one(kind):
        rng = np.random.default_rng(draw(st.integers(0, 2**32)))
        if kind == "noise":
            return rng.random(shape) < rng.random()
        if kind == "blobs":
            places = rng.random((rng.integers(1, 6), 4)) * [*shape, 9, 9] + [0, 0, 0.5, 0.5]
            return np.any([ellipse(shape, *place) for place in places], axis=0)
        if kind == "line":
            return (rows == rng.integers(shape[0])) | (columns == rng.integers(shape[1]))
        if kind == "stripes":
            period = int(rng.integers(2, 9))
            return np.asarray([rows, columns])[rng.integers(2)] % period < rng.integers(1, period)
        return np.full(shape, kind == "full")

    kinds = st.sampled_from(["noise", "blobs", "line", "stripes", "empty", "full"])
    return one(draw(kinds)), one(draw(kinds))


@settings(max_examples=120, deadline=None)
@given(pairs())
def test_the_next_click_is_that_of_the_rule_on_the_whole_image(pair):
    target, predicted = pair
    for protocol in PROTOCOLS.values():
        clicked = []
        for seed in range(3):
            rngs = [np.random.default_rng(seed) for _ in range(2)]
            found = clicks.next_click(target, predicted, protocol, rngs[0], clicked)
            assert found == naive_next_click(target, predicted, protocol.click, rngs[1], clicked)
            if found is None:
                break
            clicked.append(found)
            x, y, _ = found
            predicted = predicted ^ ellipse(target.shape, y, x, 4, 3)  # what a model may answer


@settings(max_examples=80, deadline=None)
@given(pairs())
def test_the_first_click_is_that_of_the_rule_on_the_whole_image(pair):
    target, empty = pair[0], np.zeros_like(pair[0])
    if target.any():
        assert clicks.centre(target) == naive_next_click(target, empty, "centre", RNG, ())[:2]
        [(x, y, _)] = clicks.click(target, PROTOCOLS["ritm"], RNG).clicks
        assert (x, y) == naive_next_click(target, empty, "ritm", RNG, ())[:2]


@pytest.mark.parametrize("turn", [np.asarray, np.asfortranarray, lambda mask: mask[::-1, ::-1].copy()[::-1, ::-1]])
def test_the_click_does_not_depend_on_the_order_in_memory(turn):
    square = np.zeros((30, 40), bool)
    square[4:10, 3:9] = square[4:10, 20:26] = square[20:26, 3:9] = True  # three components and four centres, all equal
    assert clicks.centre(turn(square)) == (5, 6)
    assert clicks.next_click(turn(square), turn(np.zeros_like(square)), BENCH, RNG) == (5, 6, 1)


def test_a_missed_part_wins_a_tie_of_areas_and_a_false_one_a_tie_of_depths():
    target, predicted = np.zeros((2, 30, 40), bool)
    target[20:26, 3:9], predicted[4:10, 20:26] = True, True
    assert clicks.next_click(target, predicted, BENCH, RNG) == (5, 22, 1)
    assert clicks.next_click(target, predicted, PROTOCOLS["ritm"], RNG) == (22, 6, 0)
