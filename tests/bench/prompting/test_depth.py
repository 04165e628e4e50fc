"""How deep each pixel of an object lies in it."""

import numpy as np
from hypothesis import given
from scipy import ndimage

from bench.prompting.depth import deepest, squared_depth
from tests.helpers.masks import masks


@given(masks)
def test_depth_is_the_distance_to_the_outside_border_included(mask):
    expected = ndimage.distance_transform_edt(np.pad(mask, 1))[1:-1, 1:-1] ** 2
    assert np.allclose(squared_depth(mask), expected)


def test_another_label_is_outside_too():
    labels = np.array([[1, 1, 1, 2, 2, 2]] * 5, np.uint8)
    alone = squared_depth(labels == 1)
    assert np.array_equal(squared_depth(labels)[:, :3], alone[:, :3])


def test_among_equals_the_first_is_the_deepest():
    assert deepest(np.array([[0, 1, 4], [4, 0, 0]], np.float32)) == (2, 0)
