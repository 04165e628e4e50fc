"""MedicoSAM behind the interface: micro-sam's intensities, then SAM's own predictor."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from segment_anything import SamPredictor

from adapters import card
from adapters.contract import broken
from adapters.families import small_networks
from adapters.families.medicosam import MedicoSamSegmenter, spread_channels
from tests.helpers.predictors import KINDS, SIZES, compare, lesion_on_skin, official_arguments, picture, prompt_of
from tests.helpers.seeded import seed_weights


@pytest.fixture(scope="module")
def segmenter() -> MedicoSamSegmenter:
    """The adapter on a small network of SAM."""
    network = small_networks.sam()
    seed_weights(network)
    parameters = sum(one.numel() for one in network.parameters())
    described = replace(card("medicosam/vit_b"), parameters=parameters)
    return MedicoSamSegmenter(described, network.eval(), torch.device("cpu"), "fp32")


def stated(image: np.ndarray) -> np.ndarray:
    """Channel by channel in float64, where no channel ends at a whole number by chance."""
    channels = np.moveaxis(image.astype(np.float64), -1, 0)
    return np.stack([(c - c.min()) / max(np.ptp(c), 1) * 255 for c in channels], -1)


def test_every_channel_is_spread_over_its_own_range() -> None:
    image = np.full((4, 5, 3), (10, 200, 7), np.uint8)
    image[:2] = 20, 100, 7
    image[0, 0] = 14, 130, 7
    found = spread_channels(image)
    assert found.dtype == np.uint8
    assert found[3, 0].tolist() == [0, 255, 0] and found[1, 0].tolist() == [255, 0, 0]
    assert found[0, 0].tolist() == [102, 76, 0]  # 76.5 is cut off
    noisy = picture((61, 50))
    assert np.abs(spread_channels(noisy) - np.floor(stated(noisy))).max() <= 1


@pytest.mark.parity
@pytest.mark.parametrize("name", ["tall", "square", "lesion"])
def test_like_sams_predictor_after_the_intensities(segmenter: MedicoSamSegmenter, name: str) -> None:
    image = lesion_on_skin() if name == "lesion" else picture(SIZES[name]) // 2 + 30
    predictor = SamPredictor(segmenter.network)
    predictor.set_image(spread_channels(image))
    (encoded,) = segmenter.encode([image])
    side = 4 * encoded.embedding.shape[-1]
    mask = np.random.default_rng(0).normal(0, 4, (1, side, side)).astype(np.float32)
    for kind in KINDS:
        arguments = official_arguments(kind, image.shape[:2], mask)
        for several in (False, True):
            (prediction,) = segmenter.decode([(encoded, prompt_of(arguments))], multimask=several)
            compare(segmenter, encoded, prediction, predictor.predict(multimask_output=several, **arguments))


def test_keeps_the_contract_of_all_models(segmenter: MedicoSamSegmenter) -> None:
    assert set(broken(segmenter).values()) == {None}
