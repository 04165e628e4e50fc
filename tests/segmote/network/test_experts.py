"""The experts of tokens: the sum by hand, and which routers learn."""

from dataclasses import replace
from typing import Any

import pytest
import torch

from adapters.families.segmote import MINI
from segmote.network.experts import TokenExperts
from segmote.training import losses


@pytest.mark.parametrize("top_k", [1, 2])
def test_expert_sum_equals_a_loop_over_the_chosen_experts(top_k: int) -> None:
    torch.manual_seed(0)
    experts = TokenExperts(replace(MINI, top_k=top_k, gate_mode="softmax_all"))
    torch.nn.init.normal_(experts.w_gate_token)
    tokens = torch.randn(3, 4, MINI.dim)
    updated, routing = experts.update(tokens, None)
    for row in range(3):
        for token in range(4):
            summed = torch.zeros(MINI.expert_rank)
            for expert in routing.experts[row, token].tolist():
                made = experts.experts_token[expert].lin1(tokens[row, token])
                summed = summed + routing.gates[row, token, expert] * made
            expected = experts.proj_token(experts.dteall_token(experts.dte_token(summed)))
            torch.testing.assert_close(updated[row, token], expected)


@pytest.mark.parametrize(
    ("mode", "learns"), [("topk_softmax", False), ("straight_through", True), ("softmax_all", True)]
)
def test_only_the_first_released_router_cannot_learn(mode: Any, learns: bool) -> None:
    torch.manual_seed(0)
    config = replace(MINI, gate_mode=mode)
    experts = TokenExperts(config)
    updated, routing = experts.update(torch.randn(3, 4, MINI.dim), torch.randn(3, 4, 4))
    (updated.square().sum() + losses.balance_loss([routing], config)).backward()
    for router in (experts.w_gate_token, experts.w_noise_token):
        assert bool(router.grad.any()) == learns
