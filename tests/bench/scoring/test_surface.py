import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from monai.metrics import compute_average_surface_distance, compute_hausdorff_distance, compute_surface_dice
from scipy.ndimage import binary_dilation, binary_erosion
from scipy.spatial.distance import cdist

from bench.scoring import surface
from bench.scoring.surface import diagonal_mm, surface_distances

UNIT = (1.0, 1.0)

pytestmark = pytest.mark.filterwarnings("ignore:.*always_return_as_numpy:FutureWarning")  # MONAI's own call


def mask(shape, *boxes):
    made = np.zeros(shape, bool)
    for box in boxes:
        made[tuple(slice(*side) for side in box)] = True
    return made


def blobs(seed, shape):
    """A random target and a random prediction near it, of some pixels to most of the image."""
    rng = np.random.default_rng(seed)
    seeds = rng.random((2, *shape)) < 4 / np.prod(shape)
    seeds[(slice(None), *(side // 2 for side in shape))] = True
    return [binary_dilation(one, iterations=int(rng.integers(1, 5))) for one in seeds]


def monai(target, predicted, spacing, tolerance):
    one, two = (torch.from_numpy(m)[None, None] for m in (target, predicted))
    hd95 = compute_hausdorff_distance(two, one, include_background=True, percentile=95, spacing=spacing)
    nsd = compute_surface_dice(two, one, [tolerance], include_background=True, spacing=spacing)
    assd = compute_average_surface_distance(two, one, include_background=True, symmetric=True, spacing=spacing)
    return float(hd95), float(nsd), float(assd)


CORNERS = {
    "one pixel each": (mask((9, 7), ((2, 3), (1, 2))), mask((9, 7), ((7, 8), (5, 6)))),
    "touching the edge": (mask((9, 7), ((0, 9), (0, 3))), mask((9, 7), ((4, 9), (0, 7)))),
    "whole image": (np.ones((9, 7), bool), mask((9, 7), ((3, 5), (2, 4)))),
    "equal": (mask((9, 7), ((2, 6), (1, 5))),) * 2,
    "hole": (mask((9, 7), ((1, 8), (1, 6))), mask((9, 7), ((1, 8), (1, 6))) & ~mask((9, 7), ((4, 5), (3, 4)))),
    "thin line": (mask((9, 7), ((4, 5), (0, 7))), mask((9, 7), ((0, 9), (3, 4)))),
    "two parts": (mask((9, 7), ((0, 2), (0, 2)), ((7, 9), (5, 7))), mask((9, 7), ((0, 2), (0, 2)))),
}


@pytest.mark.parametrize("name", CORNERS)
@pytest.mark.parametrize("spacing", [(1.0, 1.0), (0.8, 2.5)])
def test_agrees_with_monai_on_corner_cases(name, spacing):
    distances = surface_distances(*CORNERS[name], spacing)
    hd95, nsd, assd = monai(*CORNERS[name], spacing, 1.3)
    assert distances.hd95() == pytest.approx(hd95, abs=1e-5)
    assert distances.nsd(1.3) == pytest.approx(nsd, abs=1e-6)
    assert distances.assd() == pytest.approx(assd, abs=1e-5)


@pytest.mark.parametrize(("shape", "spacing"), [((40, 31), (0.9, 1.7)), ((14, 17, 9), (1.0, 0.7, 3.0))])
@pytest.mark.parametrize("seed", range(12))
def test_agrees_with_monai_on_random_masks(seed, shape, spacing):
    target, predicted = blobs(seed, shape)
    distances = surface_distances(target, predicted, spacing)
    hd95, nsd, assd = monai(target, predicted, spacing, 2.05)
    assert distances.hd95() == pytest.approx(hd95, abs=1e-4)
    assert distances.nsd(2.05) == pytest.approx(nsd, abs=1e-6)
    assert distances.assd() == pytest.approx(assd, abs=1e-4)


def test_by_hand():
    target, predicted = mask((5, 8), ((2, 3), (1, 2))), mask((5, 8), ((2, 3), (4, 5)))
    distances = surface_distances(target, predicted, (1.0, 2.0))
    assert distances.hd95() == 6.0
    assert distances.nsd(6.0) == 1.0
    assert distances.nsd(5.9) == 0.0


def test_spacing_follows_its_axis():
    target, predicted = mask((5, 8), ((2, 3), (1, 2))), mask((5, 8), ((2, 3), (4, 5)))
    assert surface_distances(target, predicted, (7.0, 1.0)).hd95() == 3.0
    assert surface_distances(target.T.copy(), predicted.T.copy(), (7.0, 1.0)).hd95() == 21.0


def test_one_empty_mask_has_no_distance_and_no_common_surface():
    full, empty = mask((6, 6), ((1, 4), (1, 4))), np.zeros((6, 6), bool)
    for pair in ((full, empty), (empty, full)):
        distances = surface_distances(*pair, UNIT)
        assert np.isnan(distances.hd95())
        assert distances.hd95(diagonal_mm((6, 6), UNIT)) == pytest.approx(5 * 2**0.5)
        assert distances.nsd(1e9) == 0.0


def test_two_empty_masks_are_undefined_whatever_stands_for_one():
    empty = np.zeros((6, 6), bool)
    distances = surface_distances(empty, empty, UNIT)
    assert np.isnan(distances.nsd(1.0))
    assert np.isnan(distances.hd95(99.0))


def test_diagonal_is_the_distance_of_opposite_corners():
    corners = mask((4, 6, 3), ((0, 1),) * 3), mask((4, 6, 3), ((3, 4), (5, 6), (2, 3)))
    spacing = (1.0, 0.5, 4.0)
    assert surface_distances(*corners, spacing).hd95() == pytest.approx(diagonal_mm((4, 6, 3), spacing))


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.floats(0, 5))
def test_swapping_the_masks_and_enlarging_the_image_change_nothing(seed, tolerance):
    target, predicted = blobs(seed, (15, 12))
    there, back = surface_distances(target, predicted, UNIT), surface_distances(predicted, target, UNIT)
    inner = [one & mask((15, 12), ((1, 14), (1, 11))) for one in (target, predicted)]
    small, large = surface_distances(*inner, UNIT), surface_distances(*(np.pad(one, 5) for one in inner), UNIT)
    assert there.hd95() == back.hd95() and there.nsd(tolerance) == back.nsd(tolerance)
    assert small.hd95() == large.hd95() and small.nsd(tolerance) == large.nsd(tolerance)


@pytest.mark.parametrize(
    ("target", "predicted", "spacing", "text"),
    [
        (np.zeros((2, 2), bool), np.zeros((2, 3), bool), UNIT, "one grid"),
        (np.zeros((2, 2)), np.zeros((2, 2), bool), UNIT, "bool"),
        (np.zeros((2, 2), bool), np.zeros((2, 2), bool), (1.0, 1.0, 1.0), "spacing"),
        (np.zeros((2, 2), bool), np.zeros((2, 2), bool), (1.0, 0.0), "spacing"),
    ],
)
def test_bad_input_is_named(target, predicted, spacing, text):
    with pytest.raises(ValueError, match=text):
        surface_distances(target, predicted, spacing)


def test_a_negative_tolerance_is_refused():
    with pytest.raises(ValueError, match="-1"):
        surface_distances(*CORNERS["equal"], UNIT).nsd(-1)


@pytest.mark.parametrize(("shape", "spacing"), [((40, 31), (0.9, 1.7)), ((14, 17, 9), (1.0, 0.7, 3.0))])
@pytest.mark.parametrize("seed", range(6))
def test_equal_to_the_distances_of_all_pairs_of_points(seed, shape, spacing):
    target, predicted = blobs(seed, shape)
    found = surface_distances(target, predicted, spacing)
    points = [np.argwhere(one & ~binary_erosion(one)) * np.asarray(spacing) for one in (target, predicted)]
    pairs = cdist(*points)
    np.testing.assert_array_equal(found.from_target, pairs.min(axis=1))
    np.testing.assert_array_equal(found.from_predicted, pairs.min(axis=0))
    assert found.hd95() == pytest.approx(max(np.percentile(pairs.min(axis=axis), 95) for axis in (0, 1)), abs=1e-12)


def test_surfaces_of_different_grids_are_refused():
    full = mask((6, 6), ((1, 4), (1, 4)))
    with pytest.raises(ValueError, match="one grid"):
        surface.distances(surface.surface(full, UNIT), surface.surface(full, (1.0, 2.0)))


@pytest.mark.parametrize("spacing", [0.4, float(np.float32(0.4)), float(np.nextafter(np.float32(0.4), np.float32(1)))])
@pytest.mark.parametrize("axis", [0, 1])
def test_nsd_at_exactly_the_tolerance_does_not_depend_on_the_place(spacing, axis):
    """Two lines 5 pixels of 0.4 mm apart: 2 mm, wherever they lie and however a header holds the spacing."""
    for place in range(0, 700, 7):
        target, predicted = np.zeros((2, 720, 24), bool)
        target[place, 2:20], predicted[place + 5, 2:20] = True, True
        if axis:
            target, predicted = target.T, predicted.T
        found = surface_distances(target, predicted, (spacing, spacing))
        assert (found.nsd(2.0), found.nsd(1.999), found.nsd(0.0)) == (1.0, 0.0, 0.0)


def test_nsd_of_large_surfaces_heeds_the_guard_too():
    target, predicted = np.zeros((2, 30, 3000), bool)
    target[3], predicted[8] = True, True
    assert surface_distances(target, predicted, (float(np.float32(0.4)),) * 2).nsd(2.0) == 1.0


def test_the_guard_is_far_below_a_pixel():
    target, predicted = np.zeros((2, 20, 20), bool)
    target[3], predicted[8] = True, True
    found = surface_distances(target, predicted, (0.4001, 0.4001))
    assert found.nsd(2.0) == 0.0
