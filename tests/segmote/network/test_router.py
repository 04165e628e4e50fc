"""The router against loops over rows and tokens."""

from typing import Any

import pytest
import torch

from segmote.network.router import largest, route, token_logits

MODES = ("topk_softmax", "straight_through", "softmax_all")


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("top_k", [1, 2, 4])
def test_routing_equals_a_loop_over_rows_and_tokens(mode: Any, top_k: int) -> None:
    generator = torch.Generator().manual_seed(top_k)
    x, noise = (torch.randn(3, 4, size, generator=generator, dtype=torch.float64) for size in (8, 4))
    w_gate, w_noise = (torch.randn(8, 4, generator=generator, dtype=torch.float64) for _ in range(2))
    routing = route(token_logits(x, w_gate, w_noise, noise), top_k, mode)
    for row in range(3):
        best = []
        for token in range(4):
            clean = x[row, token] @ w_gate
            logits = clean + (torch.log1p((x[row, token] @ w_noise).exp()) + 0.01) * noise[row, token]
            kept = sorted(range(4), key=lambda expert: -float(logits[expert]))[:top_k]
            whole = {"topk_softmax": logits[kept], "softmax_all": logits}.get(mode)
            gates = torch.zeros(4, dtype=torch.float64)
            for expert in kept:
                gates[expert] = 1 if whole is None else logits[expert].exp() / whole.exp().sum()
            torch.testing.assert_close(routing.gates[row, token], gates)
            torch.testing.assert_close(routing.clean_logits[row, token], clean)
            assert routing.experts[row, token].tolist() == kept
            best.append(float(logits[kept[0]]))
        assert routing.token[row] == best.index(max(best))


def test_among_equals_the_lowest_index_wins() -> None:
    values, indices = largest(torch.tensor([[1.0, 3, 3, 2, 3]]), 3)
    assert values.tolist() == [[3, 3, 3]]
    assert indices.tolist() == [[1, 2, 4]]
    zero = torch.zeros(8, 4)
    routing = route(token_logits(torch.randn(2, 4, 8), zero, zero, None), 2, "straight_through")
    assert routing.experts.tolist() == [[[0, 1]] * 4] * 2
    assert routing.token.tolist() == [0, 0]
