"""Slices stacked to volumes."""

import numpy as np

from bench.scoring.volume import VolumeGrid, box_around, grid, stack

ENTRY = {"slice": 4, "spacing_mm": (0.5, 0.7), "slices": 9, "slice_mm": 3.0}


def test_a_volume_has_all_its_slices_with_their_distance_first():
    assert grid([ENTRY], (6, 8)) == VolumeGrid((9, 6, 8), (3.0, 0.5, 0.7), 0)


def test_a_picture_stays_flat():
    assert grid([ENTRY | {"slice_mm": None}], (6, 8)) == VolumeGrid((6, 8), (0.5, 0.7), 0)


def test_runs_that_kept_no_third_axis_span_their_targets():
    old = [{"slice": number, "spacing_mm": (1.0, 1.0)} for number in (7, 4)]
    assert grid(old, (6, 8)) == VolumeGrid((4, 6, 8), None, 4)


def test_masks_of_a_slice_are_united_in_their_plane():
    one, other = np.zeros((2, 2, 3), bool)
    one[0, 0] = other[1, 2] = True
    volume = stack([(5, one), (5, other)], VolumeGrid((3, 2, 3), None, 4))
    assert np.array_equal(volume[1], one | other) and not volume[[0, 2]].any()
    assert np.array_equal(stack([(0, one)], VolumeGrid((2, 3), (1.0, 1.0), 0)), one)


def test_the_box_around_masks_holds_all_of_them_and_no_more():
    masks = np.zeros((3, 5, 6), bool)
    masks[0, 1, 2] = masks[2, 3, 5] = True
    numbered = [(4, masks[0]), (5, masks[1]), (7, masks[2])]
    space = VolumeGrid((9, 5, 6), (1.0, 1.0, 1.0), 2)
    box = box_around(numbered, space)
    assert box == (slice(2, 6), slice(1, 4), slice(2, 6))
    np.testing.assert_array_equal(stack(numbered, space, box), stack(numbered, space)[box])
    nothing = box_around([(5, masks[1])], space)
    assert stack([(5, masks[1])], space, nothing).size == 0
    picture = VolumeGrid((5, 6), (1.0, 1.0), 0)
    assert stack([(0, masks[0])], picture, box_around([(0, masks[0])], picture)).shape == (5, 6)
