"""MedSAM2 behind the interface against the classes of the package `sam2` at 512 pixels."""

from importlib.resources import files
from typing import Any

import numpy as np
import pytest
import torch
from hydra.utils import instantiate
from omegaconf import OmegaConf
from PIL import Image
from sam2.sam2_image_predictor import SAM2ImagePredictor
from torch.nn import functional as F

from adapters import load
from tests.helpers.predictors import compare, official_arguments, picture, prompt_of
from tests.helpers.seeded import seed_weights

SIZE = (300, 90)
KINDS = ("box", "click", "box+clicks", "previous", "mask")


@pytest.fixture(scope="module")
def segmenter() -> Any:
    model = load("medsam2/latest", weights="random")
    seed_weights(model.network)
    return model


def released_input(image: np.ndarray) -> np.ndarray:
    """The steps of the released script: Pillow's default filter on uint8, then ImageNet's mean and deviation."""
    squashed = np.asarray(Image.fromarray(image).resize((512, 512)))
    mean, std = np.array([0.485, 0.456, 0.406], np.float32), np.array([0.229, 0.224, 0.225], np.float32)
    return ((squashed / np.float32(255) - mean) / std).transpose(2, 0, 1)


def official_answer(network: Any, image: np.ndarray, arguments: dict[str, Any], several: bool) -> tuple[Any, ...]:
    """One prompt step by step through the network's own methods, because its predictor is written for 1024 pixels."""
    height, width = image.shape[:2]
    maps = network.forward_image(torch.from_numpy(released_input(image))[None])["backbone_fpn"]
    embedding = maps[-1] + network.no_mem_embed.permute(1, 2, 0)[..., None]
    corners = np.asarray(arguments.get("box", np.zeros(0))).reshape(-1, 2)
    clicks = arguments.get("point_coords", np.zeros((0, 2)))
    xy = np.concatenate([corners, clicks]) / (width, height) * 512
    labels = [*([2, 3] if len(corners) else []), *arguments.get("point_labels", [])]
    points = (torch.tensor(xy[None], dtype=torch.float32), torch.tensor([labels], dtype=torch.int32))
    mask = torch.from_numpy(arguments["mask_input"])[None] if "mask_input" in arguments else None
    sparse, dense = network.sam_prompt_encoder(points if labels else None, None, mask)
    logits, scores, _, _ = network.sam_mask_decoder(
        embedding, network.sam_prompt_encoder.get_dense_pe(), sparse, dense, several, False, maps[:-1]
    )
    full = F.interpolate(logits, (height, width), mode="bilinear", align_corners=False)
    return (full[0] > 0).numpy(), scores[0].numpy(), logits[0].numpy()


@pytest.mark.slow
@pytest.mark.parity
@torch.no_grad()
def test_like_sam2s_own_classes_at_512_pixels(segmenter: Any) -> None:
    image = picture(SIZE)
    [encoded] = segmenter.encode([image])
    mask = np.random.default_rng(0).normal(0, 4, (1, 128, 128)).astype(np.float32)
    for kind in KINDS:
        arguments = official_arguments(kind, SIZE, mask)
        for several in (False, True):
            [ours] = segmenter.decode([(encoded, prompt_of(arguments))], multimask=several)
            compare(segmenter, encoded, ours, official_answer(segmenter.network, image, arguments, several))


@pytest.mark.parity
def test_input_as_in_the_released_script(segmenter: Any) -> None:
    for size in (SIZE, (61, 333), (512, 512), (700, 900)):
        ours, _ = segmenter.prepare(picture(size))
        np.testing.assert_allclose(ours.numpy(), released_input(picture(size)), atol=1e-6, rtol=0)


def test_three_values_differ_from_sam2_hiera_tiny(segmenter: Any) -> None:
    config = OmegaConf.create((files("sam2") / "configs" / "sam2.1" / "sam2.1_hiera_t.yaml").read_text()).model
    config.image_size = 512
    for attention in (config.memory_attention.layer.self_attention, config.memory_attention.layer.cross_attention):
        attention.feat_sizes = [32, 32]
    network = instantiate(config, _recursive_=True)
    shapes = {key: value.shape for key, value in segmenter.network.state_dict().items()}
    assert shapes == {key: value.shape for key, value in network.state_dict().items()}
    turned = [layer.cross_attn_image.freqs_cis for layer in segmenter.network.memory_attention.layers]
    assert {tuple(one.shape) for one in turned} == {(32 * 32, 128)}


def test_low_resolution_masks_are_a_quarter_of_the_input(segmenter: Any) -> None:
    [encoded] = segmenter.encode([picture(SIZE)])
    assert [tuple(one.shape) for one in (*encoded.details, encoded.embedding)] == [
        (32, 128, 128), (64, 64, 64), (256, 32, 32),
    ]  # fmt: skip
    with pytest.raises(ValueError, match=r"previous mask must be \(128, 128\)"):
        segmenter.decode([(encoded, prompt_of({"mask_input": np.zeros((1, 256, 256), np.float32)}))])


def test_the_packaged_image_predictor_is_of_no_use_at_512_pixels(segmenter: Any) -> None:
    """Where it learns other feature sizes, the parity above can use it."""
    with pytest.raises(RuntimeError, match=r"view size|invalid for input"):
        SAM2ImagePredictor(segmenter.network).set_image(picture(SIZE))
