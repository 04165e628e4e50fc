import numpy as np
import pytest
from scipy import ndimage
from skimage.morphology import erosion, footprint_rectangle

from bench.scoring.shape import BOUNDARY_SHARE, boundary_iou, centreline_dice


def blobs(seed, shape):
    rng = np.random.default_rng(seed)
    field = ndimage.gaussian_filter(rng.normal(size=shape), 3)
    other = 0.9 * field + 0.4 * ndimage.gaussian_filter(rng.normal(size=shape), 3)
    return field > np.quantile(field, 0.7), other > np.quantile(other, 0.7)


def boundary(mask):
    """The published way: a padded image, eroded by squares."""
    distance = max(1, round(BOUNDARY_SHARE * np.hypot(*mask.shape)))
    padded = np.pad(mask, 1)
    for _ in range(distance):
        padded = erosion(padded, footprint_rectangle((3, 3)))
    return mask & ~padded[1:-1, 1:-1]


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("shape", [(60, 47), (150, 210)])
def test_boundary_iou_is_that_of_repeated_erosion(seed, shape):
    one, other = map(boundary, blobs(seed, shape))
    assert boundary_iou(*blobs(seed, shape)) == (one & other).sum() / (one | other).sum()


def test_boundary_of_a_volume_is_that_of_its_slices():
    pairs = [blobs(seed, (60, 47)) for seed in range(4)]
    target, predicted = (np.stack(masks) for masks in zip(*pairs, strict=True))
    ones, others = (np.stack([boundary(mask) for mask in masks]) for masks in (target, predicted))
    assert boundary_iou(target, predicted) == (ones & others).sum() / (ones | others).sum()


def test_a_part_is_measured_by_the_whole_slice():
    target, predicted = (np.pad(mask, 40) for mask in blobs(0, (60, 47)))
    whole = boundary_iou(target, predicted)
    part = np.s_[40:-40, 40:-40]
    assert boundary_iou(target[part], predicted[part], target.shape) == whole
    assert boundary_iou(target[part], predicted[part]) != whole


def test_the_inside_of_a_large_object_does_not_count():
    target = np.zeros((200, 200), bool)
    target[20:180, 20:180] = True
    hollow = target & ~np.pad(np.ones((100, 100), bool), 50)
    assert boundary_iou(target, hollow) == pytest.approx(1, abs=0.5)
    assert boundary_iou(target, target) == 1


def test_centreline_dice_of_a_tube_with_a_gap():
    tube = np.zeros((9, 9, 60), bool)
    tube[3:6, 3:6, 5:55] = True
    broken = tube.copy()
    broken[..., 25:35] = False
    fraction = 40 / 50
    assert centreline_dice(tube, broken) == pytest.approx(2 * fraction / (1 + fraction), abs=0.03)


def test_centreline_dice_forgives_width_where_dice_does_not():
    thin, wide = np.zeros((30, 80), bool), np.zeros((30, 80), bool)
    thin[14:17, 5:75] = True
    wide[9:22, 5:75] = True
    assert centreline_dice(thin, wide) > 0.95
    assert 2 * (thin & wide).sum() / (thin.sum() + wide.sum()) < 0.4


@pytest.mark.parametrize("function", [boundary_iou, centreline_dice])
@pytest.mark.parametrize("shape", [(8, 9), (3, 8, 9)])
def test_empty_masks(function, shape):
    empty, full = np.zeros(shape, bool), np.ones(shape, bool)
    assert np.isnan(function(empty, empty))
    assert function(empty, full) == function(full, empty) == 0
    assert function(full, full) == 1


def test_a_block_that_thinning_removes_keeps_a_centreline():
    block = np.zeros((6, 8, 40), bool)
    block[1:5, 2:6, 2:32] = True  # four by four: nothing is left of it
    half = block.copy()
    half[..., 17:] = False
    assert centreline_dice(block, block) == 1
    assert 0 < centreline_dice(block, half) < 1
