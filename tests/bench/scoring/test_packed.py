import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from bench.scoring import packed
from bench.scoring.metrics import areas, dice

shapes = st.one_of(
    st.tuples(st.integers(1, 20), st.integers(1, 20)),
    st.tuples(st.integers(1, 7), st.integers(1, 7), st.integers(1, 7)),
)
pairs = shapes.flatmap(lambda shape: st.tuples(arrays(bool, shape), arrays(bool, shape)))


@given(pairs)
def test_counts_are_those_of_the_masks_to_the_last_bit(pair):
    target, predicted = pair
    counted = areas(*pair)
    assert (counted.target, counted.predicted) == (target.sum(), predicted.sum())
    assert counted.common == (target & predicted).sum()
    total = int(target.sum()) + int(predicted.sum())
    if total:
        assert dice(counted) == 2 * int((target & predicted).sum()) / total  # equal, not near


@given(pairs)
def test_packed_once_or_every_time_and_by_table_or_at_once(pair):
    one, other = map(packed.pack, pair)
    assert areas(one, other) == areas(*pair) == areas(one, pair[1]) == areas(pair[0], other)
    assert packed.count_by_table(one.words) == one.area == pair[0].sum()


def test_the_order_in_memory_changes_nothing():
    mask = np.random.default_rng(0).random((13, 9)) > 0.5
    turned = np.asfortranarray(mask)
    assert areas(mask, turned).common == mask.sum()
    assert areas(mask[::-1, ::2], turned[::-1, ::2]).common == mask[:, ::2].sum()


def test_masks_without_pixels_are_empty():
    assert packed.pack(np.zeros((0, 4), bool)).area == 0


def test_other_arrays_than_masks_are_refused():
    with pytest.raises(ValueError, match="uint8"):
        packed.pack(np.zeros((2, 2), np.uint8))


def test_packed_masks_of_other_shapes_are_refused():
    with pytest.raises(ValueError, match=r"\(2, 32\).*\(8, 8\)"):
        areas(packed.pack(np.ones((2, 32), bool)), packed.pack(np.ones((8, 8), bool)))
