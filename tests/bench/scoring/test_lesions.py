import numpy as np
import pytest
from scipy import ndimage

from bench.scoring.lesions import LesionCounts, lesion_counts


def brute_force(target, predicted):
    """One lesion after the other, with another labelling library."""
    full = np.ones((3,) * target.ndim)
    lesions, n = ndimage.label(target, full)
    components, m = ndimage.label(predicted, full)
    found = sum((predicted & (lesions == label)).any() for label in range(1, n + 1))
    confirmed = sum((target & (components == label)).any() for label in range(1, m + 1))
    return LesionCounts(found, n - found, m - confirmed)


@pytest.mark.parametrize("shape", [(24, 17), (9, 12, 8)])
@pytest.mark.parametrize("seed", range(10))
def test_agrees_with_one_lesion_after_the_other(shape, seed):
    rng = np.random.default_rng(seed)
    masks = rng.random((2, *shape)) < rng.choice([0.01, 0.1, 0.5])
    assert lesion_counts(*masks) == brute_force(*masks)


def test_by_hand():
    target = np.zeros((7, 9), bool)
    target[1, 1:3] = target[4, 4] = target[5, 5] = target[6, 8] = True  # three lesions, one of them diagonal
    predicted = np.zeros((7, 9), bool)
    predicted[1, 2] = predicted[5, 5] = predicted[0, 8] = predicted[3, 0] = True
    counts = lesion_counts(target, predicted)
    assert counts == LesionCounts(found=2, missed=1, invented=2)
    assert counts.f1 == pytest.approx(4 / 7)
    assert counts.count_difference == -1


def test_one_blob_over_two_lesions_finds_both():
    target = np.zeros((3, 9), bool)
    target[1, 1] = target[1, 7] = True
    predicted = np.zeros((3, 9), bool)
    predicted[1] = True
    assert lesion_counts(target, predicted) == LesionCounts(found=2, missed=0, invented=0)


def test_diagonal_neighbours_are_one_lesion_in_3d():
    target = np.zeros((3, 3, 3), bool)
    target[0, 0, 0] = target[1, 1, 1] = True
    assert lesion_counts(target, target) == LesionCounts(1, 0, 0)


def test_empty_masks():
    empty, full = np.zeros((4, 4), bool), np.ones((4, 4), bool)
    assert np.isnan(lesion_counts(empty, empty).f1)
    assert lesion_counts(empty, full) == LesionCounts(0, 0, 1)
    assert lesion_counts(full, empty).f1 == 0.0


@pytest.mark.parametrize(
    ("target", "predicted", "text"),
    [
        (np.zeros((2, 2), bool), np.zeros((3, 2), bool), "shape"),
        (np.zeros(4, bool), np.zeros(4, bool), "2-D or 3-D"),
        (np.zeros((2, 2), int), np.zeros((2, 2), bool), "bool"),
    ],
)
def test_bad_input_is_named(target, predicted, text):
    with pytest.raises(ValueError, match=text):
        lesion_counts(target, predicted)
