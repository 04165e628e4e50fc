"""Losses on sampled points."""

import pytest
import torch
from torch import nn

from bench.miniworld.training.batches import tight_boxes
from bench.miniworld.training.losses import (
    ANYWHERE,
    IN_WINDOW,
    Probe,
    at,
    frame_losses,
    mask_losses,
    sample_points,
    steep,
    window_iou,
)
from bench.miniworld.training.networks import MaskProposals
from bench.miniworld.training.pools import SIDE


@pytest.fixture
def square():
    masks = torch.zeros(1, SIDE, SIDE)
    masks[0, 40:80, 30:60] = 1
    return masks


@pytest.fixture
def samples(square, generator):
    return sample_points(tight_boxes(square > 0.5), square, generator)


def test_points_cover_the_window_and_know_the_mask(samples):
    assert samples.points.shape == (1, IN_WINDOW + ANYWHERE, 2)
    x, y = samples.points[0, :IN_WINDOW].T
    assert 20.5 <= x.min() < 22.3 and 67.7 < x.max() <= 69.5 and 28 <= y.min() < 30.3 and 89.7 < y.max() <= 92
    inside = (x > 31) & (x < 59) & (y > 41) & (y < 79)
    assert samples.target[0, 0, :IN_WINDOW][inside].min() > 0.999
    assert samples.target[0, 0, :IN_WINDOW][(x < 29) | (y > 81)].max() == 0


def test_a_map_of_half_the_size_is_read_at_the_same_places(square, samples):
    low = nn.functional.avg_pool2d(square[:, None], 2)
    difference = (at(low, samples.points) - samples.target).abs()
    assert difference.mean() < 0.05


def test_losses_tell_right_from_wrong(square, samples):
    right = 40 * (nn.functional.avg_pool2d(square[:, None], 2) - 0.5)
    logits = torch.cat([right, -right, torch.zeros_like(right)], 1)
    good, bad, unsure = mask_losses(at(logits, samples.points), samples.target)[0].tolist()
    assert good < 0.2 < unsure < bad
    good, bad, unsure = frame_losses(logits, square)[0].tolist()
    assert good < 0.1 < unsure < bad
    assert window_iou(at(logits, samples.points), samples.target)[0, 0] > 0.9


def test_steep_maps_cross_where_probabilities_do():
    logits = torch.tensor([[[[8.0, -1.0]]]])
    assert steep(logits).sign().tolist() == [[[[1, -1]]]]
    between = (steep(logits)[..., 0] + steep(logits)[..., 1]) / 2
    assert between.sign() == ((logits.sigmoid()[..., 0] + logits.sigmoid()[..., 1]) / 2 - 0.5).sign()


def test_probe_reads_brightness_only_from_features_that_carry_it(square, samples):
    grey = 0.2 + 0.5 * square
    carried = nn.functional.avg_pool2d(grey[:, None], 2).repeat(1, 4, 1, 1)
    for features, expected in ((carried, True), (torch.rand(1, 4, 64, 64), False)):
        probe = Probe(4)
        optimiser = torch.optim.Adam(probe.parameters(), 0.2)
        drawn = MaskProposals(torch.zeros(1, 4, 64, 64), torch.zeros(1, 4), features)
        for _ in range(60):
            optimiser.zero_grad()
            loss = probe.brightness_loss(drawn, grey, samples)
            loss.backward()
            optimiser.step()
        assert (float(loss.detach()) < 0.15) == expected


def test_membership_is_told_from_features_that_differ(square, samples, generator):
    torch.manual_seed(0)
    probe = Probe(2)
    apart = 2 * nn.functional.avg_pool2d(square[:, None], 2).repeat(1, 2, 1, 1)
    losses = [
        probe.membership_loss(MaskProposals(apart, apart, features), samples, generator).item()
        for features in (apart, torch.zeros_like(apart))
    ]
    assert losses[0] < losses[1]
