import numpy as np
import pytest
from hypothesis import given, settings
from skimage.morphology import medial_axis

from bench.prompting.components import largest_component
from bench.prompting.scribbles import MOST_POINTS, scribble, stroke
from bench.protocols import PROTOCOLS
from tests.helpers.masks import ellipse, masks

BENCH = PROTOCOLS["bench"]


def drawn(mask):
    return [(x, y) for x, y, _ in scribble(mask, BENCH, None).clicks]


@settings(max_examples=30, deadline=None)  # scikit-image takes 20 ms for any mask
@given(masks)
def test_clicks_lie_in_order_and_without_doubles_on_a_way_in_the_largest_component(mask):
    part = largest_component(mask)
    way = stroke(part)
    assert part[tuple(way.T)].all()
    assert tuple(way[0]) <= tuple(way[-1])
    assert len({*map(tuple, way)}) == len(way)
    assert (np.abs(np.diff(way, axis=0)).max(axis=1, initial=1) == 1).all()
    places = [way.tolist().index([y, x]) for x, y in drawn(mask)]
    assert 1 <= len(places) <= min(MOST_POINTS, len(way))
    assert places == sorted(set(places))
    assert all(label == 1 for *_, label in scribble(mask, BENCH, None).clicks)


@settings(max_examples=10, deadline=None)
@given(masks)
def test_neither_chance_nor_the_room_around_the_target_moves_a_click(mask):
    first = drawn(mask)
    assert drawn(mask) == first
    padded = drawn(np.pad(mask, ((3, 1), (5, 2))))
    assert [(x - 5, y - 3) for x, y in padded] == first


def test_a_line_has_its_clicks_evenly_spaced_half_a_gap_from_its_ends():
    line = np.zeros((3, 90), bool)
    line[1, 4:85] = True
    assert drawn(line) == [(9 + 10 * n, 1) for n in range(8)]
    assert drawn(line.T) == [(1, 9 + 10 * n) for n in range(8)]


def test_gaps_are_of_equal_length_not_of_equal_numbers_of_pixels():
    """A corner: a diagonal of 40 pixels, 56 long, and a line of 40 pixels, 40 long."""
    corner = np.zeros((50, 90), bool)
    corner[np.arange(41), np.arange(41)] = True
    corner[40, 40:81] = True
    clicks = np.array(drawn(corner))
    along = np.minimum(clicks[:, 1], 40) * np.sqrt(2) + np.maximum(clicks[:, 0] - 40, 0)
    np.testing.assert_allclose(np.diff(along), along.max() / 7.5, rtol=0.12)


@pytest.mark.parametrize("size", [(1, 1), (1, 2), (2, 1), (2, 2), (3, 3)])
def test_small_targets_have_at_least_one_click_and_no_more_than_pixels(size):
    mask = np.zeros((9, 9), bool)
    mask[4 : 4 + size[0], 3 : 3 + size[1]] = True
    clicks = drawn(mask)
    assert 1 <= len(clicks) <= mask.sum()
    assert all(mask[y, x] for x, y in clicks)


def test_a_ring_is_followed_along_half_its_circle_and_not_crossed():
    rows, columns = np.mgrid[:64, :64] - 32
    ring = (np.hypot(rows, columns) < 25) & (np.hypot(rows, columns) > 18)
    clicks = np.array(drawn(ring)) - 32
    assert len(clicks) == MOST_POINTS
    assert (np.abs(np.hypot(*clicks.T) - 21.5) < 2).all()
    angles = np.unwrap(np.arctan2(*clicks.T))
    assert np.all(np.diff(angles) < 0) or np.all(np.diff(angles) > 0)
    assert 2.3 < np.ptp(angles) < 3.2


def test_of_several_parts_the_largest_is_scribbled():
    mask = ellipse((64, 64), 40, 40, 15, 6)
    large = mask.copy()
    mask[2:8, 2:30] = True
    assert drawn(mask) == drawn(large)


def test_the_border_of_the_image_counts_as_outside():
    mask = np.zeros((20, 60), bool)
    mask[:9] = True
    assert {y for _, y in drawn(mask)[1:-1]} == {4}


def test_the_stroke_begins_at_the_end_that_comes_first_wherever_the_target_is_deepest():
    wedge = np.zeros((60, 40), bool)
    for row in range(5, 55):
        wedge[row, 20 - row // 6 : 21 + row // 6] = True
    for mask in (wedge, wedge[::-1], wedge.T, wedge.T[:, ::-1]):
        first, last = stroke(mask)[[0, -1]].tolist()
        assert first < last


def test_the_longest_way_is_that_of_the_greatest_length():
    """A trunk that forks: to the right in 35 steps, down a diagonal in 30, which are longer; and a short branch."""
    fork = np.zeros((60, 100), bool)
    fork[20, 2:88] = True
    fork[20 + np.arange(31), 52 + np.arange(31)] = True
    fork[14:20, 12] = True
    assert stroke(fork)[[0, -1]].tolist() == [[20, 2], [50, 82]]
    assert medial_axis(fork, rng=0)[15, 12] and medial_axis(fork, rng=0)[20, 87]
