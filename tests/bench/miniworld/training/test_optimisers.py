"""Muon and AdamW on one schedule."""

import pytest
import torch
from torch import nn

from bench.miniworld.training.optimisers import Optimisers, rate_share
from tests.helpers.versions import needs_muon


@needs_muon
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
    monkeypatch.delattr(torch.optim, "Muon", raising=False)
    with pytest.raises(ImportError, match=r"2\.9"):
        Optimisers([nn.Linear(2, 2)], 0.1, 0.1, 0.0)
