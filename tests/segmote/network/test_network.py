"""SegMoTE's names and sizes against the official ones, its routing rules, and what ablations ask of it."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from adapters import card
from adapters.families.imis import MINI_VOCABULARY
from adapters.families.segmote import CONFIGS, MINI
from segmote.network.config import PAPER, RELEASED, SegmoteConfig
from segmote.network.experts import TokenExperts
from segmote.network.model import Segmote as Network
from segmote.network.official_names import LEGACY_NAMES, current_name, implied_gate, is_unused
from segmote.network.prompt_tokens import PromptTokenizer
from segmote.network.router import largest, route, token_logits
from segmote.training import losses
from tests.adapters.families.test_imis import shapes_only as imis_shapes
from tests.adapters.families.test_segmote_parity import shapes_only
from tests.segmote.imis.test_network import count, linear, merged, mlp, norm

GRID = MINI.image_size // MINI.encoder.patch
BOXES = torch.tensor([[8.0, 8, 90, 60], [100, 20, 200, 180]])
MODES = ("topk_softmax", "straight_through", "softmax_all")


def network_of(config: SegmoteConfig) -> Network:
    torch.manual_seed(0)
    network = Network(config, MINI_VOCABULARY).eval()
    with torch.no_grad():
        for layer in network.mask_decoder.transformer.layers:
            layer.w_gate_token.normal_()
            layer.w_noise_token.normal_()
    return network


@pytest.fixture(scope="module")
def features() -> dict[str, torch.Tensor]:
    """Embeddings and details of two images."""
    generator = torch.Generator().manual_seed(0)
    return {
        "embeddings": torch.randn(2, MINI.dim, GRID, GRID, generator=generator),
        "details": torch.randn(2, MINI.dim // 8, 4 * GRID, 4 * GRID, generator=generator),
    }


# Names and counts.


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


def test_the_size_of_ppt_is_the_specified_one() -> None:
    assert count(PromptTokenizer(256, 8, 2)) == 791_040 == 12 * 256**2 + 16 * 256 + 2 * 256


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


# The router.


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


def test_among_equals_the_lowest_index_wins() -> None:
    values, indices = largest(torch.tensor([[1.0, 3, 3, 2, 3]]), 3)
    assert values.tolist() == [[3, 3, 3]]
    assert indices.tolist() == [[1, 2, 4]]
    zero = torch.zeros(8, 4)
    routing = route(token_logits(torch.randn(2, 4, 8), zero, zero, None), 2, "straight_through")
    assert routing.experts.tolist() == [[[0, 1]] * 4] * 2
    assert routing.token.tolist() == [0, 0]


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


def test_a_router_without_values_tells_the_version() -> None:
    state = TokenExperts(MINI).state_dict()
    with pytest.raises(ValueError, match="no weights of SegMoTE"):
        implied_gate({})
    state = {f"layers.0.{name}": value for name, value in state.items()}
    assert implied_gate(state) == "topk_softmax"
    state["layers.0.w_gate_token"] = torch.ones(2)
    assert implied_gate(state) == "straight_through"


# Losses.


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


# Configurations.


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
        embeddings, early = network.encode(torch.randn(1, 3, 256, 256))
        drawn = network.decode(embeddings, details=network.details(embeddings, early), ppt=True)
    assert early.shape == (1, 96, GRID, GRID)
    assert drawn.mask.shape == (1, 1, 4 * GRID, 4 * GRID)


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


# The pass through the network.


def test_the_router_is_noisy_in_training_only(features: dict[str, torch.Tensor]) -> None:
    network = network_of(MINI)
    with torch.no_grad():
        quiet = network.decode(**features, boxes=BOXES)
        asked = network.decode(**features, boxes=BOXES, noise=True)
        network.train()
        noisy = network.decode(**features, boxes=BOXES)
        silenced = network.decode(**features, boxes=BOXES, noise=False)
        given = [network.decode(**features, boxes=BOXES, noise=torch.ones(2, 2, 4, 4)).logits for _ in range(2)]
    assert torch.equal(quiet.logits, silenced.logits)
    for drawn in (asked, noisy):
        assert all(routing.noisy and not routing.logits.equal(routing.clean_logits) for routing in drawn.routings)
    assert torch.equal(*given)


def test_ppt_replaces_or_joins_the_prompts_tokens(features: dict[str, torch.Tensor]) -> None:
    released, paper = network_of(MINI), network_of(replace(MINI, ppt_insert="append"))
    paper.load_state_dict(released.state_dict())
    with torch.no_grad():
        free, boxed = (released.decode(**features, boxes=boxes, ppt=True) for boxes in (None, BOXES))
        free_paper, boxed_paper = (paper.decode(**features, boxes=boxes, ppt=True) for boxes in (None, BOXES))
    torch.testing.assert_close(free.logits, boxed.logits)
    torch.testing.assert_close(free.logits, free_paper.logits)
    assert not torch.allclose(free.logits, boxed_paper.logits)


def test_ppt_knows_x_from_y() -> None:
    torch.manual_seed(0)
    tokenizer = PromptTokenizer(8, 2, 2)
    embeddings = torch.randn(1, 8, 3, 5)
    with torch.no_grad():
        made = tokenizer(embeddings)
        features = tokenizer.ln_in(embeddings.permute(0, 2, 3, 1))
        for row in range(3):
            for column in range(5):
                place = torch.tensor([2 * column / 4 - 1, 2 * row / 2 - 1])
                features[0, row, column] += tokenizer.pos_proj(place)
        features = features.reshape(1, 15, 8)
        seen, _ = tokenizer.attn(tokenizer.query[None], features, features)
        torch.testing.assert_close(made, tokenizer.ln_out(seen + tokenizer.mlp(seen)))


def test_one_image_serves_all_prompts(features: dict[str, torch.Tensor]) -> None:
    network = network_of(MINI)
    one = {name: value[:1] for name, value in features.items()}
    two = {name: value.expand(2, -1, -1, -1) for name, value in one.items()}
    previous = torch.randn(2, 1, 4 * GRID, 4 * GRID)
    with torch.no_grad():
        for prompt in ({"boxes": BOXES}, {"masks": previous, "ppt": True}, {"pooled": torch.randn(2, 64), "ppt": True}):
            once, twice = (network.decode(**image, **prompt) for image in (one, two))
            torch.testing.assert_close(once.logits, twice.logits, atol=1e-4, rtol=0)


def test_without_experts_the_predicted_iou_chooses(features: dict[str, torch.Tensor]) -> None:
    with torch.no_grad():
        drawn = network_of(MINI).decode(**features, boxes=BOXES, mote=False)
    assert drawn.routings == ()
    assert drawn.token.tolist() == (1 + drawn.scores[:, 1:].argmax(dim=1)).tolist()
    assert torch.equal(drawn.mask[1, 0], drawn.logits[1, drawn.token[1]])
    assert torch.equal(drawn.score, drawn.scores[:, 1:].max(dim=1).values)


def test_forgotten_details_are_named(features: dict[str, torch.Tensor]) -> None:
    with pytest.raises(ValueError, match="details"):
        network_of(MINI).decode(features["embeddings"], boxes=BOXES)


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
