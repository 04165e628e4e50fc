"""Huang et al.'s SAM behind the interface: their rule for intensities, then SAM's predictor."""

from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from segment_anything import SamPredictor

from adapters import Prompt, load
from adapters.families.huang import stretch_intensities
from tests.helpers.predictors import SIZES, compare, lesion_on_skin, picture
from tests.helpers.seeded import seed_weights

pytestmark = pytest.mark.parity


def test_golden_intensities_of_huang(shared: Path, golden_io: ModuleType) -> None:
    golden = golden_io.load(shared / "goldens" / "huang_vit_b.npz")
    expected = golden.global_arrays()["intensity_preprocessed_image"]
    np.testing.assert_array_equal(stretch_intensities(golden.image), expected)


@pytest.mark.parametrize("name", [*SIZES, "lesion"])
def test_huang_mini_like_the_official_script(name: str) -> None:
    """Its intensity rule, said in other words, before SAM's own predictor with the tuned single mask."""
    segmenter = load("huang/mini", weights="random")
    seed_weights(segmenter.network)
    image = lesion_on_skin() if name == "lesion" else picture(SIZES[name])
    image[:2, :2] = 0
    clipped = np.clip(image.astype(float), *np.percentile(image, [0.95, 99.5]))
    spread = (clipped - clipped.min()) / (clipped.max() - clipped.min()) * 255
    predictor = SamPredictor(segmenter.network)
    predictor.set_image(np.where(image == 0, 0, spread).astype(np.uint8))
    height, width = image.shape[:2]
    box = np.array([0.1 * width, 0.3 * height, 0.55 * width, 0.9 * height], np.float32)
    (encoded,) = segmenter.encode([image])
    (prediction,) = segmenter.decode([(encoded, Prompt(box=box))])
    compare(segmenter, encoded, prediction, predictor.predict(box=box, multimask_output=False))
