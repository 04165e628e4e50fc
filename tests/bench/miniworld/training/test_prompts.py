"""Prompts in training."""

import pytest
import torch

from bench.miniworld.training.prompts import (
    NOISE_LIMIT_PX,
    exact,
    imis_noise,
    loosened,
    med2d_noise,
    medsam_noise,
    next_click,
    sam_noise,
)

BOXES = torch.tensor([[50.0, 50.0, 55.0, 60.0], [0.0, 5.0, 125.0, 100.0]]).repeat(200, 1)


@pytest.mark.parametrize("noise", [sam_noise, medsam_noise, med2d_noise, imis_noise])
def test_noise_keeps_to_a_tenth_of_the_side_and_to_the_picture(noise, generator):
    moved = noise(BOXES, generator)
    assert (moved[::2] - BOXES[::2]).abs().amax(0).le(torch.tensor([0.5, 1.0, 0.5, 1.0]) + 1e-5).all()
    assert 2 < (moved[1::2] - BOXES[1::2]).abs().max() <= NOISE_LIMIT_PX + 1e-5
    assert moved.min() >= 0 and moved.max() <= 128


def test_medsams_boxes_grow_and_sam_med2ds_are_shifted(generator):
    grown = medsam_noise(BOXES, generator)
    assert (grown[:, :2] <= BOXES[:, :2]).all() and (grown[:, 2:] >= BOXES[:, 2:]).all()
    shift = med2d_noise(BOXES, generator)[::2] - BOXES[::2]
    torch.testing.assert_close(shift[:, :2], shift[:, 2:])


def test_a_share_of_the_boxes_is_loosened(generator):
    changed = (loosened(BOXES, sam_noise, 0.3, generator) != BOXES).any(1).float().mean()
    assert 0.2 < changed < 0.4
    assert torch.equal(loosened(BOXES, exact, 1.0, generator), BOXES)


def test_click_lands_in_the_error_with_its_label():
    target, predicted = torch.zeros(2, 2, 64, 64, dtype=torch.bool)
    target[:, 10:20, 30:40] = True
    predicted[0, 10:20, 30:35] = True  # the right half is missed
    predicted[1] = target[1]
    predicted[1, 50:55, 5:10] = True  # drawn too much
    for seed in range(20):
        xy, labels = next_click(target, predicted, torch.Generator().manual_seed(seed))
        assert labels.tolist() == [[1], [0]]
        (column, row), (false_column, false_row) = xy[:, 0].round().tolist()
        assert 35 <= column < 40 and 10 <= row < 20
        assert 5 <= false_column < 10 and 50 <= false_row < 55
