import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from bench.data.bounding_box import bounding_box

masks = st.lists(st.integers(1, 6), min_size=1, max_size=3).flatmap(lambda shape: arrays(bool, tuple(shape)))


@given(masks)
def test_is_the_smallest_that_holds_all_foreground(mask):
    box = bounding_box(mask)
    assert mask[box].sum() == mask.sum()
    places = np.argwhere(mask)
    if len(places):
        assert [side.start for side in box] == places.min(axis=0).tolist()
        assert [side.stop for side in box] == (places.max(axis=0) + 1).tolist()


@pytest.mark.parametrize("shape", [(3, 4), (3, 4, 5)])
def test_of_nothing_is_empty(shape):
    box = bounding_box(np.zeros(shape, bool))
    assert box == (slice(0, 0),) * len(shape)
