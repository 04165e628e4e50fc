"""The pass through the network: prompts, noise, gradients, and what ablations ask of it."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from adapters.families.segmote import MINI
from segmote.network.config import PAPER
from segmote.network.model import Segmote as Network
from segmote.network.official_names import is_unused
from segmote.training import losses
from tests.helpers.networks import BOXES, GRID, network_of


@pytest.mark.parametrize("ppt_queries", [0, 2, 4, 8])
@pytest.mark.parametrize("top_k", [1, 2])
@pytest.mark.parametrize("num_experts", [4, 8, 12])
def test_ablations_are_configurations(
    features: dict[str, torch.Tensor], num_experts: int, top_k: int, ppt_queries: int
) -> None:
    network = network_of(replace(MINI, num_experts=num_experts, top_k=top_k, ppt_queries=ppt_queries))
    with torch.no_grad():
        drawn = network.decode(**features, boxes=BOXES)
        assert drawn.logits.shape == (2, num_experts, 4 * GRID, 4 * GRID)
        assert drawn.mask.shape == (2, 1, 4 * GRID, 4 * GRID)
        assert all(int((routing.gates > 0).sum()) == 2 * num_experts * top_k for routing in drawn.routings)
        if ppt_queries:
            assert network.decode(**features, ppt=True).logits.shape == drawn.logits.shape
        else:
            with pytest.raises(ValueError, match="ppt_queries is 0"):
                network.decode(**features, ppt=True)


@pytest.mark.parametrize(
    "changes",
    [
        {"gate_mode": "softmax_all"},
        {"expert_residual": True},
        {"expert_features": "upscaled"},
        {"base": "sam"},
    ],
    ids=str,
)
def test_a_rule_changes_the_masks(features: dict[str, torch.Tensor], changes: dict[str, Any]) -> None:
    plain, changed = network_of(MINI), network_of(replace(MINI, **changes))
    state = {name: value for name, value in plain.state_dict().items() if "semantic_tokens" not in name}
    changed.load_state_dict(state, strict=False)
    with torch.no_grad():
        first, second = (network.decode(**features, boxes=BOXES) for network in (plain, changed))
    assert not torch.allclose(first.logits, second.logits)
    assert second.logits.shape == first.logits.shape


def test_the_papers_rules_run_and_weigh_tokens_by_their_gate(features: dict[str, torch.Tensor]) -> None:
    rules = {name: getattr(PAPER, name) for name in ("gate_mode", "importance", "load", "balance_layers", "ppt_insert")}
    network = network_of(replace(MINI, **rules, zero_guard=False)).train()
    for layer in network.mask_decoder.transformer.layers:
        torch.nn.init.normal_(layer.w_gate_token, std=0.1)
        torch.nn.init.normal_(layer.w_noise_token, std=0.1)
    drawn = network.decode(**features, boxes=BOXES, ppt=True)
    for routing in drawn.routings:
        kept = routing.gates.gather(-1, routing.experts)
        assert (kept > 0).all() and (kept < 1).all()
    (drawn.mask.sum() + losses.balance_loss(drawn.routings, network.config)).backward()
    assert all(layer.w_gate_token.grad.any() for layer in network.mask_decoder.transformer.layers)


def test_a_narrower_decoder_on_a_wider_encoder_runs() -> None:
    network = network_of(replace(MINI, dim=32, encoder=replace(MINI.encoder, width=96)))
    with torch.no_grad():
        embeddings, early = network.encode(torch.randn(1, 3, MINI.image_size, MINI.image_size))
        drawn = network.decode(embeddings, details=network.details(embeddings, early), ppt=True)
    assert early.shape == (1, 96, GRID, GRID)
    assert drawn.mask.shape == (1, 1, 4 * GRID, 4 * GRID)


def test_one_image_serves_all_prompts(features: dict[str, torch.Tensor]) -> None:
    network = network_of(MINI)
    one = {name: value[:1] for name, value in features.items()}
    two = {name: value.expand(2, -1, -1, -1) for name, value in one.items()}
    previous = torch.randn(2, 1, 4 * GRID, 4 * GRID)
    with torch.no_grad():
        for prompt in (
            {"boxes": BOXES},
            {"masks": previous, "ppt": True},
            {"pooled": torch.randn(2, MINI.text.width), "ppt": True},
        ):
            once, twice = (network.decode(**image, **prompt) for image in (one, two))
            torch.testing.assert_close(once.logits, twice.logits, atol=1e-4, rtol=0)


def test_only_what_is_used_gets_a_gradient(features: dict[str, torch.Tensor]) -> None:
    network = network_of(MINI).train()
    drawn = network.decode(**features, ppt=True)
    (drawn.mask.sum() + drawn.score.sum() + losses.balance_loss(drawn.routings, MINI)).backward()
    idle = {name for name, value in network.mask_decoder.named_parameters() if value.grad is None}
    parents = ("output_hypernetworks_mlps", "semantic_prediction_head", "text_output")
    images = ("compress_vit_feat", "expert_embedding_encoder")
    assert all(name.startswith((*parents, *images)) or is_unused(f"mask_decoder.{name}") for name in idle)


def test_the_vocabulary_is_where_it_was_said(tmp_path: Path) -> None:
    with torch.device("meta"):
        assert Network(MINI, tmp_path).vocabulary == tmp_path
