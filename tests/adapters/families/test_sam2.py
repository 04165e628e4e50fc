"""SAM 2 behind the interface against its official predictor."""

from typing import Any

import pytest
import torch
from sam2.sam2_image_predictor import SAM2ImagePredictor

from adapters import load
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
