"""SegMoTE's names, shapes and sizes against the official ones."""

from typing import Any

import pytest
import torch

from adapters import card
from adapters.families.segmote import MINI
from segmote.network.config import PAPER, RELEASED, SegmoteConfig
from segmote.network.experts import TokenExperts
from segmote.network.official_names import LEGACY_NAMES, current_name, implied_gate, is_unused
from tests.helpers.networks import count, imis_shapes, linear, merged, mlp, norm, shapes_only


def layer_entries(layer: str) -> Any:
    yield {f"{layer}.w_gate_token": (768, 4), f"{layer}.w_noise_token": (768, 4)}
    yield {f"{layer}.mean": (1,), f"{layer}.std": (1,)}
    yield from (linear(f"{layer}.experts_token.{expert}.lin1", 64, 768) for expert in range(4))
    yield from (linear(f"{layer}.{name}", 64, 64) for name in ("dte", "dteall", "dte_token", "dteall_token"))
    yield linear(f"{layer}.proj_token", 768, 64)


def branch(name: str, into: int, middle: int, out: int, side: int) -> dict[str, tuple[int, ...]]:
    """Two transposed convolutions, or, of side 3, two plain ones."""
    shapes = ((into, middle), (middle, out)) if side == 2 else ((middle, into), (out, middle))
    entries = norm(f"{name}.1", middle)
    for layer, shape, width in zip((0, 3), shapes, (middle, out), strict=True):
        entries |= {f"{name}.{layer}.weight": (*shape, side, side), f"{name}.{layer}.bias": (width,)}
    return entries


def new_entries() -> dict[str, tuple[int, ...]]:
    here = "mask_decoder"
    pool = f"{here}.img_prompt_pool"
    parts = [{f"{here}.{name}.weight": (n, 768)} for name, n in (("expert_tokens", 4), ("text_token", 1))]
    parts += [{f"{here}.boxApoint_token.weight": (1, 768)}, mlp(f"{here}.expert_mlp", 768, 768, 768, 96)]
    parts += [mlp(f"{here}.expert_output_mlps.{index}", 768, 768, 768, 96) for index in range(4)]
    parts += [branch(f"{here}.compress_vit_feat", 768, 768, 96, 2)]
    parts += [branch(f"{here}.expert_embedding_encoder", 768, 192, 96, 2)]
    parts += [branch(f"{here}.expert_feature_fusion", 96, 192, 96, 3)]
    parts += [{f"{pool}.query": (2, 768)}, norm(f"{pool}.ln_in", 768), norm(f"{pool}.ln_out", 768)]
    parts += [{f"{pool}.attn.in_proj_weight": (2304, 768), f"{pool}.attn.in_proj_bias": (2304,)}]
    parts += [linear(f"{pool}.attn.out_proj", 768, 768), linear(f"{pool}.pos_proj", 768, 2)]
    parts += [linear(f"{pool}.mlp.0", 3072, 768), linear(f"{pool}.mlp.2", 768, 3072)]
    for index in range(2):
        parts += layer_entries(f"{here}.transformer.layers.{index}")
    return merged(parts)


@pytest.mark.parametrize("config", [RELEASED, PAPER], ids=["released", "paper"])
def test_names_and_shapes_are_the_official_ones(config: SegmoteConfig) -> None:
    found = {name: tuple(value.shape) for name, value in shapes_only(config).state_dict().items()}
    old = {name: tuple(value.shape) for name, value in imis_shapes(config).state_dict().items()}
    assert found == old | new_entries()
    assert len(new_entries()) == 110
    assert sum(not name.startswith("text_model.") for name in found) == 441


def test_parameters_are_counted_as_officially() -> None:
    network = shapes_only(RELEASED)
    decoder = network.mask_decoder
    assert count(network) == card("segmote/released").parameters == card("segmote/paper").parameters == 200_080_336
    assert count(decoder) == 23_366_404 + 17_563_776
    assert count(decoder.img_prompt_pool) == 7_091_712
    assert count(decoder) - 23_366_404 - count(decoder.img_prompt_pool) == 10_472_064
    assert count(decoder.expert_output_mlps) == 5_020_032
    assert count(decoder.compress_vit_feat) == 2_656_608
    assert count(decoder.expert_embedding_encoder) == 664_224
    assert count(decoder.expert_feature_fusion) == 332_448
    assert count(TokenExperts(RELEASED)) == 269_568
    unused = [value for name, value in network.named_parameters() if is_unused(name)]
    assert sum(value.numel() for value in unused) == 1_273_184
    assert not any(value.requires_grad for value in unused)


def test_legacy_names_become_the_current_ones() -> None:
    for old, new in LEGACY_NAMES.items():
        for prefix in ("", "module.", "sam.", "model.", "module.sam."):
            assert current_name(f"{prefix}{old}.0.weight") == f"{new}.0.weight"
        assert current_name(f"{new}.0.weight") == f"{new}.0.weight"
    current = list(shapes_only(RELEASED).state_dict())
    assert [current_name(name) for name in current] == current


def test_all_unused_names_are_names() -> None:
    unused = [name for name in shapes_only(RELEASED).state_dict() if is_unused(name)]
    assert len(unused) == 2 * (4 + 2) + 6 + 2


def test_a_router_without_values_tells_the_version() -> None:
    state = TokenExperts(MINI).state_dict()
    with pytest.raises(ValueError, match="not weights of SegMoTE"):
        implied_gate({})
    state = {f"layers.0.{name}": value for name, value in state.items()}
    assert implied_gate(state) == "topk_softmax"
    state["layers.0.w_gate_token"] = torch.ones(2)
    assert implied_gate(state) == "straight_through"
