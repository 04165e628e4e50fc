"""The losses by hand."""

from dataclasses import replace

import pytest
import torch

from segmote.network.config import PAPER
from segmote.network.router import route, token_logits
from segmote.training import losses


def test_variation_by_hand() -> None:
    assert float(losses.squared_variation(torch.tensor([1.0, 3.0]))) == pytest.approx(2 / 4)
    assert float(losses.squared_variation(torch.tensor([5.0]))) == 0


def test_balanced_experts_cost_nothing_in_the_paper() -> None:
    tokens, w_gate = torch.eye(4)[None], 5 * torch.eye(4)
    routing = route(token_logits(tokens, w_gate, w_gate, None), 1, "softmax_all")
    assert float(losses.balance_loss([routing], PAPER)) == pytest.approx(0, abs=1e-6)
    crowded = route(token_logits(tokens[:, :1].expand(1, 4, 4), w_gate, w_gate, None), 1, "softmax_all")
    assert float(losses.balance_loss([crowded], PAPER)) == pytest.approx(8)
    assert float(losses.balance_loss([routing, crowded], PAPER)) == pytest.approx(4)
    last = replace(PAPER, balance_layers="last")
    assert float(losses.balance_loss([crowded, routing], last)) == pytest.approx(0, abs=1e-6)


def test_dice_is_a_mean_over_rows() -> None:
    targets = torch.tensor([[1.0, 1, 0, 0], [1.0, 0, 0, 0]])
    logits = torch.tensor([[40.0, 40, -40, -40], [-40.0, 40, -40, -40]])
    assert float(losses.dice_loss(targets, logits)) == pytest.approx(0.5)
