"""MedSAM behind the interface against the steps of its official script."""

from typing import Any

import numpy as np
import pytest
import torch
from skimage.transform import resize
from torch.nn import functional as F

from adapters import Prompt, load
from tests.helpers.predictors import SIZES, lesion_on_skin, picture
from tests.helpers.seeded import seed_weights

pytestmark = pytest.mark.parity


@torch.no_grad()
def medsam_script(network: Any, image: np.ndarray, box: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Logits and mask by the steps of MedSAM_Inference.py on the network's own parts."""
    (height, width), side = image.shape[:2], network.image_encoder.img_size
    resized = resize(image, (side, side), order=3, preserve_range=True, anti_aliasing=True).astype(np.uint8)
    unit = (resized - resized.min()) / max(float(resized.max()) - float(resized.min()), 1e-8)
    embedding = network.image_encoder(torch.tensor(unit, dtype=torch.float32).permute(2, 0, 1)[None])
    corners = torch.tensor(box / np.array([width, height, width, height]) * side, dtype=torch.float32)
    sparse, dense = network.prompt_encoder(points=None, boxes=corners[None, None], masks=None)
    positions = network.prompt_encoder.get_dense_pe()
    logits, _ = network.mask_decoder(embedding, positions, sparse, dense, multimask_output=False)
    probabilities = F.interpolate(logits.sigmoid(), (height, width), mode="bilinear", align_corners=False)
    return logits[0].numpy(), (probabilities > 0.5)[0].numpy()


@pytest.mark.parametrize("name", [*SIZES, "lesion"])
def test_medsam_mini_like_the_official_script(name: str) -> None:
    segmenter = load("medsam/mini", weights="random")
    seed_weights(segmenter.network)
    image = lesion_on_skin() if name == "lesion" else picture(SIZES[name])
    height, width = image.shape[:2]
    box = np.array([0.1 * width, 0.3 * height, 0.55 * width, 0.9 * height], np.float32)
    logits, mask = medsam_script(segmenter.network, image, box)
    (encoded,) = segmenter.encode([image])
    (prediction,) = segmenter.decode([(encoded, Prompt(box=box))])
    scale = max(1.0, float(np.abs(logits).max()))
    np.testing.assert_allclose(prediction.candidate_logits.numpy(), logits, atol=2e-5 * scale, rtol=0)
    assert (prediction.mask.numpy() != mask[0]).sum() <= max(1, 1e-4 * mask.size)
