"""Maps of the routing."""

import numpy as np
import pytest

from bench.studies.inside import routing


def test_examples_are_the_largest_targets(slices):
    shown = routing.largest(slices, 1)
    assert len(shown) == 2
    for title, one in zip(("PHANTOM_DERMOSCOPY", "PHANTOM_XRAY"), shown, strict=True):
        shares = [q.mask.mean() for found, part in slices if found.title == title for q in part.questions]
        assert [question.mask.mean() for question in one.questions] == [max(shares)]


def test_maps_lie_on_the_image_and_are_measured_inside_the_target(segmenter, slices):
    [first, _] = routing.examples(segmenter, routing.largest(slices, 1), -1)
    assert first.tokens.shape == first.expert_maps.shape == (4, *first.image.shape[:2])
    table = routing.measured([first])
    row = table[(table["map"] == "token") & table["selected"]].iloc[0]
    assert row["index"] == first.token
    assert row["inside"] == pytest.approx(first.tokens[first.token][first.question.mask].mean())


def test_overlay_is_half_image_and_half_jet():
    image = np.full((1, 2, 3), 100, np.uint8)
    mixed = routing.overlay(image, np.array([[0.0, 1.0]], np.float32))
    assert mixed.tolist() == [[[50, 50, 114], [114, 50, 50]]]  # JET ends in half a blue and half a red
