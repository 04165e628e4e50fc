"""SAM 2 behind the interface against its official predictor."""

from typing import Any

import numpy as np
import pytest
import torch
from sam2.sam2_image_predictor import SAM2ImagePredictor

from adapters import Prompt, load
from adapters.published import published_arithmetic
from tests.helpers.predictors import SIZES, check_against_predictor, picture
from tests.helpers.seeded import seed_weights

pytestmark = pytest.mark.parity


def test_sam2_mini_like_the_official_predictor() -> None:
    segmenter = load("sam2/mini", weights="random")
    seed_weights(segmenter.network)
    predictor = SAM2ImagePredictor(segmenter.network)
    # The predictor writes down the feature sizes of a 1024-pixel input.
    predictor._bb_feat_sizes = [tuple(d.shape[-2:]) for d in feature_maps(segmenter)]
    check_against_predictor(segmenter, predictor, list(SIZES.values()))


def feature_maps(segmenter: Any) -> list[torch.Tensor]:
    [encoded] = segmenter.encode([picture((64, 64))])
    return [*encoded.details, encoded.embedding]


@pytest.mark.slow
@pytest.mark.parametrize("variant", ["hiera_small", pytest.param("hiera_large", marks=pytest.mark.gpu)])
def test_sam2_like_the_official_predictor(variant: str) -> None:
    segmenter = load(f"sam2/{variant}", weights="random")
    seed_weights(segmenter.network)
    check_against_predictor(segmenter, SAM2ImagePredictor(segmenter.network), [(300, 90)])


def test_the_decoder_reads_pixels_whose_channels_lie_side_by_side():
    segmenter, seen = load("sam2/mini"), []
    layer = segmenter.network.sam_mask_decoder.transformer.layers[0]
    layer.register_forward_pre_hook(lambda _, __, given: seen.append(given), with_kwargs=True)
    [encoded] = segmenter.encode([picture((48, 90))])
    segmenter.decode([(encoded, Prompt(box=np.array([58, 6, 80, 26])))] * 2)
    assert seen[0]["keys"].is_contiguous() and seen[0]["key_pe"].is_contiguous()
    assert len(seen[0]["keys"]) == 2 and len(seen[0]["key_pe"]) == 1
    with published_arithmetic():
        segmenter.decode([(encoded, Prompt(box=np.array([58, 6, 80, 26])))] * 2)
    assert len(seen[1]["key_pe"]) == 2


def test_maps_are_those_of_the_published_neck_without_positions():
    segmenter, asked = load("sam2/mini"), []
    neck = segmenter.network.image_encoder.neck
    neck.position_encoding.register_forward_pre_hook(lambda *_: asked.append(1))
    images = [picture((48, 90)), picture((70, 30))]
    lean = segmenter.encode(images)
    assert not asked
    with published_arithmetic():
        published = segmenter.encode(images)
    assert asked
    for one, other in zip(lean, published, strict=True):
        for ours, theirs in zip((*one.details, one.embedding), (*other.details, other.embedding), strict=True):
            assert (ours - theirs).abs().max() < 1e-5 * theirs.abs().max()
    neck.fuse_type, before = "avg", len(asked)  # a neck that is not known is computed as published
    segmenter.encode(images)
    assert len(asked) > before
