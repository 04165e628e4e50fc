import numpy as np
import pytest
from scipy import ndimage

from bench.data.components import components

MASK = np.array([[0, 1, 0, 0, 0], [0, 0, 1, 0, 1], [0, 0, 0, 0, 1], [1, 1, 0, 0, 0]], bool)


def test_diagonal_neighbours_belong_together_and_numbers_follow_the_rows():
    labels, count = components(MASK)
    assert labels.tolist() == [[0, 1, 0, 0, 0], [0, 0, 1, 0, 2], [0, 0, 0, 0, 2], [3, 3, 0, 0, 0]]
    assert count == 3


def test_each_label_has_components_of_its_own():
    labels, count = components(np.array([[1, 2, 2, 0, 1]], np.uint8))
    assert count == 3 and labels.tolist() == [[1, 2, 2, 0, 3]]


@pytest.mark.parametrize("axes", [2, 3])
@pytest.mark.parametrize("seed", range(60))
def test_agrees_with_scipy_whatever_the_shape(axes, seed):
    """Ragged masks of many components, some of which connected-components-3d 4.1.1 gets wrong as bool arrays."""
    rng = np.random.default_rng(seed)
    field = ndimage.gaussian_filter(
        rng.normal(size=rng.integers(1, 40 if axes == 2 else 12, axes)), rng.choice([0, 0.7])
    )
    mask = field > rng.choice([-0.3, 0, 0.2, 0.5])
    labels, count = components(mask)
    expected, number = ndimage.label(mask, np.ones((3,) * axes))
    assert count == number == labels.max()
    assert len(np.unique(np.stack([labels, expected]).reshape(2, -1), axis=1).T) == number + (not mask.all())


def test_no_pixels_have_no_components():
    labels, count = components(np.zeros((0, 3), bool))
    assert labels.shape == (0, 3) and count == 0
