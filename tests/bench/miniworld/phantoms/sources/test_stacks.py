"""Structures along the body: smaller towards their ends, in their order, with outlines that change slowly."""

import numpy as np
import pytest

from bench.miniworld.phantoms.geometry import Ripple, blob
from bench.miniworld.phantoms.rendering import Part, visible
from bench.miniworld.phantoms.sources.stacks import WHOLE, Section, Span, levels, spans, stacked

STILL = Ripple(np.zeros((1, 3), np.float32), np.zeros(1, np.float32), np.zeros(1, np.float32))
ZERO = np.zeros(2, np.float32)


def disc(radius=40.0, centre=(0, 0)):
    return blob(np.random.default_rng(0), centre, (radius, radius), 0.0)


def test_a_section_is_scaled_around_its_centre_and_moved():
    centre, shift = np.array((10, 0), np.float32), np.array((0, 20), np.float32)
    section = Section(disc(40, (10, 0)), centre, 0.5, shift, STILL, 0.0)
    points = np.array([(14, 30, 10, -11), (20, 20, 41, 20)], np.float32)
    assert (section.distance(points) < 0).tolist() == [True, False, False, False]
    assert section.distance(points)[1] == pytest.approx(0, abs=1e-3)
    np.testing.assert_allclose(section.bounds, [(-10, 0), (30, 40)], atol=1e-3)


def test_a_wobble_changes_the_outline_with_the_height_and_stays_within_bounds():
    wobble = Ripple.random(np.random.default_rng(1), 3, 60, 4)
    points = np.stack(np.meshgrid(*[np.arange(-60, 61, dtype=np.float32)] * 2)).reshape(2, -1)
    inside = []
    for height in (0.0, 3.0, 60.0):
        section = Section(disc(), ZERO, 1.0, ZERO, wobble, height)
        inside.append(section.distance(points) < 0)
        lower, upper = section.bounds
        seen = points[:, inside[-1]]
        assert (seen.min(1) >= lower).all() and (seen.max(1) <= upper).all()
    near, far = (np.count_nonzero(inside[0] ^ other) for other in inside[1:])
    assert 0 < near < far / 2


def test_a_structure_ends_and_what_it_holds_ends_with_it():
    parts = [Part("fat", disc(90)), Part("liver", disc(60), "liver"), Part("vessel", disc(10), None)]
    found = spans(np.random.default_rng(0), parts, {"liver": (0.8, 0.6)})
    assert found[1][1] is found[2][1] and found[0][1].reach == WHOLE
    tissues = [[layer.part.tissue for layer in stacked([one], 32, 32, 8)] for one in found]
    assert len(tissues[0]) == 8 and 0 < len(tissues[1]) == len(tissues[2]) < 8


def test_masks_are_largest_in_the_middle_and_slices_do_not_mix():
    span = Span(ZERO, 0.0, 1.2, ZERO, STILL)
    layers = stacked([(Part("liver", disc(60), "liver"), span)], 40, 50, 5)
    mask = visible(layers, ["liver"], (40, 50, 5))["liver"]
    areas = mask.sum((0, 1))
    assert areas.argmax() == 2 and areas[0] == areas[4] < areas[1] == areas[3] < areas[2]
    np.testing.assert_allclose(areas[1] / areas[2], 1 - (levels(5)[1] / 1.2) ** 2, atol=0.03)
