"""Pixels and where they lie."""

import numpy as np
import pytest

from bench.miniworld.phantoms.grid import SamplingGrid


def test_a_picture_is_centred_and_its_shorter_side_is_200_units():
    grid = SamplingGrid.picture(11, 21)
    points = grid.points((slice(0, 11), slice(0, 21))).reshape(2, 11, 21)
    assert points[:, 5, 10].tolist() == pytest.approx([0, 0], abs=1e-4)
    assert points[0, 0, 1] > points[0, 0, 0] and points[1, 1, 0] > points[1, 0, 0]  # x to the right, y down
    assert grid.spacing.tolist() == pytest.approx([200 / 11] * 2) and grid.sharpness == pytest.approx(200 / 11)


def test_a_window_holds_its_box():
    grid = SamplingGrid.picture(100, 100)
    lower, upper = np.array([-20.0, 10.0]), np.array([30.0, 50.0])
    window = grid.window((lower, upper))
    inside = grid.points(window)
    assert (inside.min(1) <= lower).all() and (inside.max(1) >= upper).all()
    assert all(part.stop - part.start < 40 for part in window)
    empty = grid.window((np.array([500.0, 500.0]), np.array([600.0, 600.0])))
    assert all(part.start == part.stop for part in empty)


def test_slabs_lie_evenly_within_the_longest_axis():
    grid = SamplingGrid((4, 4, 2), np.diag([1.0, 1, 6, 1]), slabs=3)
    assert grid.shifts == pytest.approx([-1 / 3, 0, 1 / 3]) and grid.sharpness == 1
    window = tuple(slice(0, size) for size in grid.shape)
    moved = grid.points(window, 0.5) - grid.points(window)
    assert np.allclose(moved, np.array([[0], [0], [3]]))
