"""SAM behind the interface against its official predictor."""

import pytest
from segment_anything import SamPredictor

from adapters import load
from tests.helpers.predictors import SIZES, check_against_predictor
from tests.helpers.seeded import seed_weights

pytestmark = pytest.mark.parity


def test_sam_mini_like_the_official_predictor() -> None:
    segmenter = load("sam/mini", weights="random")
    seed_weights(segmenter.network)
    check_against_predictor(segmenter, SamPredictor(segmenter.network), list(SIZES.values()))


# The large ones take minutes on two cores; they run where the `gpu` tests run.
@pytest.mark.slow
@pytest.mark.parametrize(
    "variant", ["vit_b", *(pytest.param(large, marks=pytest.mark.gpu) for large in ("vit_l", "vit_h"))]
)
def test_sam_like_the_official_predictor(variant: str) -> None:
    segmenter = load(f"sam/{variant}", weights="random")
    seed_weights(segmenter.network)
    check_against_predictor(segmenter, SamPredictor(segmenter.network), [(300, 90)])
