"""Shapes as signed distances."""

import numpy as np

from bench.miniworld.phantoms.geometry import Both, Carved, Shrunk, Union, blob, tube
from bench.miniworld.phantoms.grid import SamplingGrid


def test_shapes_combine_as_sets():
    rng = np.random.default_rng(0)
    grid = SamplingGrid.picture(80, 120)
    points = grid.points((slice(0, 80), slice(0, 120)))
    one, two = blob(rng, (-20, 0), (40, 25)), tube(rng, [(-40, -30), (0, 0), (60, 40)], [10, 14, 9])
    a, b = one.distance(points) < 0, two.distance(points) < 0
    assert np.array_equal(Both(one, two).distance(points) < 0, a & b)
    assert np.array_equal(Carved(one, two).distance(points) < 0, a & ~b)
    assert np.array_equal(Union([one, two]).distance(points) < 0, a | b)
    assert (Shrunk(one, 5).distance(points) < 0).sum() < a.sum()


def test_bounds_hold_the_shape():
    rng = np.random.default_rng(1)
    grid = SamplingGrid.picture(160, 160)
    for _ in range(30):
        shape = blob(rng, rng.uniform(-30, 30, 2), rng.uniform(10, 40, 2), 0.2, rng.uniform(0, 180), 3.0)
        points = grid.points((slice(0, 160), slice(0, 160)))
        inside = points[:, shape.distance(points) < 0]
        lower, upper = shape.bounds
        assert (inside.min(1) >= lower).all()
        assert (inside.max(1) <= upper).all()
