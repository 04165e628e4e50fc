"""Parts of a stage: optimisers, ellipses, one contrast."""

import pytest
import torch
from torch import nn

from bench.miniworld.training.batches import Batch
from bench.miniworld.training.contrast import mostly_bright
from bench.miniworld.training.localisation import OF_A_PICTURE, with_ellipses
from bench.miniworld.training.optimisers import Optimisers, rate_share


def test_linear_weights_go_to_muon_and_all_else_to_adamw():
    network = nn.Sequential(nn.Linear(4, 4), nn.LayerNorm(4), nn.Linear(4, 1))
    network[2].weight.requires_grad_(False)
    optimisers = Optimisers([network], 0.1, 0.01, 0.0)
    muon, adamw = ({id(p) for g in part.param_groups for p in g["params"]} for part in optimisers.parts)
    assert muon == {id(network[0].weight)}
    assert len(adamw) == 4 and id(network[2].weight) not in adamw
    before = network[2].weight.clone()
    optimisers.step(network(torch.ones(2, 4)).square().mean(), 0.5)
    assert torch.equal(network[2].weight, before)
    rates = [group["lr"] for part in optimisers.parts for group in part.param_groups]
    assert rates == pytest.approx([0.1 * rate_share(0.5), 0.01 * rate_share(0.5)])


def test_the_rate_warms_up_and_falls():
    assert rate_share(0) == 0 and rate_share(0.03) == pytest.approx(1) and rate_share(1) == pytest.approx(0.01)


def test_an_old_torch_is_told_what_it_lacks(monkeypatch):
    monkeypatch.delattr(torch.optim, "Muon")
    with pytest.raises(ImportError, match=r"2\.9"):
        Optimisers([nn.Linear(2, 2)], 0.1, 0.1, 0.0)


def test_ellipses_fill_their_boxes_as_ellipses_do(batch, generator):
    drawn = with_ellipses(batch, generator)
    assert len(drawn.boxes) == OF_A_PICTURE * len(batch.images)
    assert drawn.boxes.min() >= 0 and drawn.boxes.max() <= 128
    area = (drawn.boxes[:, 2:] - drawn.boxes[:, :2]).prod(1)
    large = area > 200
    share = drawn.masks.sum((1, 2))[large] / area[large]
    assert (share - torch.pi / 4).abs().max() < 0.08


def test_one_contrast_leaves_only_what_is_brighter(generator):
    images = torch.full((1, 3, 128, 128), 0.5)
    masks = torch.zeros(8, 128, 128)
    for index in range(8):
        masks[index, 10 * index : 10 * index + 6, 20:40] = 1
        images[0][:, masks[index] > 0] = 0.9 if index < 3 else 0.1
    boxes = torch.tensor([[20.0, 10 * index, 40, 10 * index + 6] for index in range(8)])
    batch = Batch(images, torch.zeros(8, dtype=torch.long), masks, boxes, torch.zeros(8, dtype=torch.long))
    bright = mostly_bright(batch, 1.0, generator)
    assert torch.equal(bright.boxes, boxes[3:])  # most are dark: the picture is inverted and they stay
    assert bright.images[0, 0][masks[5] > 0].mean() > 0.8
    assert len(mostly_bright(batch, 0.0, generator).boxes) == 8
