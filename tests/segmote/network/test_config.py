"""Configurations: the official ones, and what is refused."""

from dataclasses import replace

import pytest

from adapters.families.segmote import CONFIGS, MINI
from segmote.network.config import PAPER, RELEASED


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"num_experts": 1}, "num_experts must be at least 2.*got 1"),
        ({"top_k": 5}, r"top_k must lie in 1\.\.4.*got 5"),
        ({"top_k": 0}, "got 0"),
        ({"ppt_queries": -1}, "ppt_queries.*got -1"),
    ],
)
def test_impossible_configurations_are_refused(changes: dict[str, int], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        replace(MINI, **changes)


def test_every_variant_has_a_configuration() -> None:
    assert set(CONFIGS) == {"released", "paper", "mini"}
    same = {"gate_mode": "straight_through", "importance": "token_expert", "load": "gate_sum", "balance_layers": "last"}
    assert replace(PAPER, **same, zero_guard=True, ppt_insert="replace") == RELEASED
