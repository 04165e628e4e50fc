"""IMIS-Net's names, shapes and sizes against those of the official network."""

from dataclasses import replace
from typing import Any

import pytest

from adapters import card
from adapters.families.imis import MINI, VIT_B
from tests.helpers.networks import count, imis_shapes, linear, merged, mlp, norm


def image_encoder_entries() -> Any:
    trunk = "image_encoder.sam_encoder"
    yield {f"{trunk}.pos_embed": (1, 64, 64, 768)}
    yield {f"{trunk}.patch_embed.proj.weight": (768, 3, 16, 16), f"{trunk}.patch_embed.proj.bias": (768,)}
    for index in range(12):
        block, rows = f"{trunk}.blocks.{index}", 127 if index in (2, 5, 8, 11) else 27
        yield from (norm(f"{block}.norm1", 768), norm(f"{block}.norm2", 768))
        yield {f"{block}.attn.rel_pos_h": (rows, 64), f"{block}.attn.rel_pos_w": (rows, 64)}
        yield from (linear(f"{block}.attn.qkv", 2304, 768), linear(f"{block}.attn.proj", 768, 768))
        yield from (linear(f"{block}.mlp.fc1", 3072, 768), linear(f"{block}.mlp.fc2", 768, 3072))
    for neck, width in ((f"{trunk}.neck", 256), ("image_encoder.neck", 768)):
        yield {f"{neck}.0.weight": (width, 768, 1, 1), f"{neck}.2.weight": (width, width, 3, 3)}
        yield from (norm(f"{neck}.1", width), norm(f"{neck}.3", width))


def prompt_encoder_entries() -> Any:
    here = "prompt_encoder"
    yield {f"{here}.pe_layer.positional_encoding_gaussian_matrix": (2, 384)}
    singles = [f"point_embeddings.{kind}" for kind in range(4)] + ["not_a_point_embed", "no_mask_embed"]
    yield {f"{here}.{name}.weight": (1, 768) for name in singles}
    for layer, shape in ((0, (4, 1, 2, 2)), (3, (16, 4, 2, 2)), (6, (768, 16, 1, 1))):
        name = f"{here}.mask_downscaling.{layer}"
        yield {f"{name}.weight": shape, f"{name}.bias": shape[:1]}
    yield from (norm(f"{here}.mask_downscaling.1", 4), norm(f"{here}.mask_downscaling.4", 16))


def mask_decoder_entries() -> Any:
    here = "mask_decoder"
    yield {
        f"{here}.{name}.weight": (n, 768) for name, n in (("iou_token", 1), ("mask_tokens", 4), ("semantic_tokens", 4))
    }
    attentions = [(f"{here}.transformer.final_attn_token_to_image", 384)]
    for layer in (f"{here}.transformer.layers.{index}" for index in range(2)):
        attentions += [(f"{layer}.self_attn", 768)]
        attentions += [(f"{layer}.cross_attn_{way}", 384) for way in ("token_to_image", "image_to_token")]
        yield from (norm(f"{layer}.norm{number}", 768) for number in (1, 2, 3, 4))
        yield from (linear(f"{layer}.mlp.lin1", 2048, 768), linear(f"{layer}.mlp.lin2", 768, 2048))
    for name, inner in attentions:
        yield from (linear(f"{name}.{part}_proj", inner, 768) for part in "qkv")
        yield linear(f"{name}.out_proj", 768, inner)
    yield norm(f"{here}.transformer.norm_final_attn", 768)
    for layer, shape in ((0, (768, 192, 2, 2)), (3, (192, 96, 2, 2))):
        yield {f"{here}.output_upscaling.{layer}.weight": shape, f"{here}.output_upscaling.{layer}.bias": shape[1:2]}
    yield norm(f"{here}.output_upscaling.1", 192)
    yield from (mlp(f"{here}.output_hypernetworks_mlps.{index}", 768, 768, 768, 96) for index in range(4))
    yield linear(f"{here}.text_output", 96, 768)
    yield mlp(f"{here}.iou_prediction_head", 768, 256, 256, 4)
    yield mlp(f"{here}.semantic_prediction_head", 768, 256, 256, 512)


def text_entries() -> Any:
    here = "text_model.text_model"
    yield linear("text_out_dim", 768, 512)
    tables = {"token_embedding": (49408, 512), "position_embedding": (77, 512)}
    yield {f"{here}.embeddings.{name}.weight": shape for name, shape in tables.items()}
    for layer in (f"{here}.encoder.layers.{index}" for index in range(12)):
        yield from (linear(f"{layer}.self_attn.{part}_proj", 512, 512) for part in ("q", "k", "v", "out"))
        yield from (norm(f"{layer}.layer_norm1", 512), norm(f"{layer}.layer_norm2", 512))
        yield from (linear(f"{layer}.mlp.fc1", 2048, 512), linear(f"{layer}.mlp.fc2", 512, 2048))
    yield norm(f"{here}.final_layer_norm", 512)


def test_names_and_shapes_are_the_official_ones() -> None:
    expected = merged([*image_encoder_entries(), *prompt_encoder_entries(), *mask_decoder_entries(), *text_entries()])
    found = {name: tuple(value.shape) for name, value in imis_shapes(VIT_B).state_dict().items()}
    assert found == expected
    assert len(found) == 527
    assert sum(not name.startswith("text_model.") for name in found) == 331


def test_parameters_are_counted_as_officially() -> None:
    network = imis_shapes(VIT_B)
    decoder = network.mask_decoder
    assert count(network) == card("imis/vit_b").parameters == 182_516_560
    assert count(network.image_encoder.sam_encoder) == 89_670_912
    assert count(network.image_encoder.neck) == 5_901_312
    assert count(network.prompt_encoder) == 17_996
    assert count(decoder) == 23_366_404
    assert count(decoder.transformer) == 16_943_488
    assert count(decoder.output_hypernetworks_mlps) == 5_020_032
    assert count(decoder.output_upscaling) == 664_224
    assert count(decoder.semantic_prediction_head) == 394_240
    assert count(decoder.iou_prediction_head) == 263_684
    assert count(decoder.text_output) == 73_824
    assert count(network.text_out_dim) == 393_984
    assert count(network.text_model) == 63_165_952
    assert count(imis_shapes(MINI)) == card("imis/mini").parameters


def test_an_input_of_broken_patches_is_refused() -> None:
    with pytest.raises(ValueError, match="multiple of 16, got 250"):
        imis_shapes(replace(VIT_B, image_size=250))
