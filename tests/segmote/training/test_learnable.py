"""What learns, by recipe."""

from dataclasses import replace
from typing import Any

from segmote.network.config import RELEASED
from segmote.recipe import PAPER_RECIPE, RELEASED_RECIPE
from segmote.training.learnable import learning
from tests.helpers.networks import shapes_only
from tests.helpers.training_world import network


def test_paper_trains_mote_and_ppt_alone() -> None:
    names = set(learning(network(), PAPER_RECIPE))
    assert names and all(name.startswith("mask_decoder.") for name in names)
    base = {"mask_decoder.iou_token.weight", "mask_decoder.mask_tokens.weight", "mask_decoder.text_output.weight"}
    assert not names & base
    assert not any(".self_attn." in name or ".norm" in name for name in names)
    assert {"mask_decoder.img_prompt_pool.query", "mask_decoder.transformer.layers.1.w_gate_token"} <= names
    assert not any("expert_mlp" in name or ".dte." in name or "boxApoint" in name for name in names)


def test_counts_of_the_official_size() -> None:
    def count(chosen: Any) -> int:
        return sum(value.numel() for value in learning(shapes_only(RELEASED), chosen).values())

    # Of the 17,563,776 new parameters 1,273,184 are never used (segmote.md, section 13).
    assert count(PAPER_RECIPE) == 16_290_592
    # Prompt encoder and text projection beside them, but for the three embeddings that the released code leaves behind.
    assert count(RELEASED_RECIPE) == 16_290_592 + 17_996 + 393_984 - 3 * 768
    assert count(replace(PAPER_RECIPE, train_decoder=True)) > count(PAPER_RECIPE) + 16_000_000
