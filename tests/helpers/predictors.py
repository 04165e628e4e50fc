"""A segmenter against the official predictor: the same images and prompts, logits and masks compared."""

from typing import Any

import numpy as np
import torch

from adapters import Points, Prediction, Prompt

SIZES = {"tall": (300, 90), "wide": (61, 333), "tiny": (7, 5), "large": (1100, 2000), "square": (256, 256)}
KINDS = ("box", "click", "box+clicks", "previous", "mask")


def picture(size: tuple[int, int]) -> np.ndarray:
    height, width = size
    rng = np.random.default_rng(height * 10_000 + width)
    y, x = np.mgrid[:height, :width]
    wave = 127 + 90 * np.sin(x / width * 7 + y / height * 3)
    return (wave[..., None] * rng.uniform(0.5, 1, 3) + rng.uniform(0, 30, (height, width, 3))).astype(np.uint8)


def official_arguments(kind: str, size: tuple[int, int], mask: np.ndarray) -> dict[str, Any]:
    height, width = size
    box = np.array([0.1 * width, 0.3 * height, 0.55 * width, 0.9 * height], np.float32)
    clicks = np.array([[0.3 * width, 0.5 * height], [0.7 * width, 0.2 * height]], np.float32)
    both = {"point_coords": clicks, "point_labels": np.array([1, 0])}
    return {
        "box": {"box": box},
        "click": {"point_coords": clicks[:1], "point_labels": np.array([1])},
        "box+clicks": {"box": box, **both},
        "previous": {"mask_input": mask, **both},
        "mask": {"mask_input": mask},
    }[kind]


def prompt_of(arguments: dict[str, Any]) -> Prompt:
    points = Points(arguments["point_coords"], arguments["point_labels"]) if "point_coords" in arguments else None
    mask = torch.from_numpy(arguments["mask_input"]) if "mask_input" in arguments else None
    return Prompt(box=arguments.get("box"), points=points, previous=mask)


def check_against_predictor(segmenter: Any, predictor: Any, sizes: list[tuple[int, int]]) -> None:
    """All sizes and kinds of prompts in one decode call against one official call each."""
    images = [picture(size) for size in sizes]
    encoded = segmenter.encode(images)
    low = [4 * length for length in encoded[0].embedding.shape[1:]]
    mask = np.random.default_rng(0).normal(0, 4, (1, *low)).astype(np.float32)
    asked = [[official_arguments(kind, image.shape[:2], mask) for kind in KINDS] for image in images]
    requests = [(e, prompt_of(a)) for e, arguments in zip(encoded, asked, strict=True) for a in arguments]
    ours = {several: iter(segmenter.decode(requests, multimask=several)) for several in (False, True)}
    for e, image, arguments in zip(encoded, images, asked, strict=True):
        predictor.set_image(image)
        for one in arguments:
            for several, predictions in ours.items():
                compare(segmenter, e, next(predictions), predictor.predict(multimask_output=several, **one))


def compare(segmenter: Any, encoded: Any, prediction: Prediction, official: tuple[Any, Any, Any]) -> None:
    masks, scores, logits = official[0] > 0.5, *official[1:]
    low = prediction.candidate_logits.clamp(-32, 32) if np.abs(logits).max() == 32 else prediction.candidate_logits
    scale = max(1.0, float(np.abs(logits).max()))
    np.testing.assert_allclose(low.numpy(), logits, atol=2e-5 * scale, rtol=0)
    np.testing.assert_allclose(prediction.candidate_scores.numpy(), scores, atol=2e-5, rtol=0)
    drawn = segmenter.masks(encoded, prediction.candidate_logits).numpy()
    assert drawn.shape == masks.shape
    # At a zero crossing float noise may tip a pixel.
    assert (drawn != masks).mean() <= 1e-4 or (drawn != masks).sum() <= 1


def lesion_on_skin() -> np.ndarray:
    """Hard edges, and each channel with a range of its own."""
    image = np.full((128, 160, 3), (220, 160, 140), np.uint8)
    image[40:90, 50:110] = 90, 50, 40
    return image
