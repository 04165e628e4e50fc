"""The adapters against the official code: its stored outputs, and its predictors on other images."""

import gc
import hashlib
import importlib.util
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch
from sam2.sam2_image_predictor import SAM2ImagePredictor
from segment_anything import SamPredictor
from skimage.transform import resize
from torch.nn import functional as F

from adapters import Points, Prediction, Prompt, load
from adapters.families.huang import stretch_intensities

pytestmark = pytest.mark.parity

SAM_FINGERPRINT = "c056cf48e2e560d6a77adb9e158bbc5d93025b40f1b4372497156046adf72ac2"
# File -> model, number of stored cases, fingerprint of the seeded weights.
GOLDENS = {
    "sam_vit_b": ("sam/vit_b", 6, SAM_FINGERPRINT),
    "medsam_vit_b": ("medsam/vit_b", 4, SAM_FINGERPRINT),
    "huang_vit_b": ("huang/vit_b", 3, SAM_FINGERPRINT),
    "sam2.1_hiera_tiny": (
        "sam2/hiera_tiny",
        7,
        "78205a03855858369a635f0053347e21dde15aaff4d26988be638aef46fa9cd1",
    ),
    "sam2.1_hiera_base_plus": (
        "sam2/hiera_base_plus",
        7,
        "2308ebc9d2911bf04c2931931bcbc29236e4f61bcd9c09d37082465659749005",
    ),
}


def seeded(key: str, value: torch.Tensor) -> torch.Tensor:
    seed = int.from_bytes(hashlib.sha256(key.encode()).digest()[:8], "little")
    z = np.random.default_rng(seed).standard_normal(tuple(value.shape)).astype(np.float32)
    if not key.endswith("positional_encoding_gaussian_matrix"):
        if z.ndim >= 2:
            z *= np.float32(max(0.02, 1 / np.sqrt(z[0].size)))
        else:
            z = np.float32(key.endswith("weight")) + np.float32(0.02) * z
    return torch.from_numpy(z)


def seed_weights(network: torch.nn.Module) -> None:
    with torch.no_grad():
        for key, value in network.state_dict().items():
            if value.is_floating_point():
                value.copy_(seeded(key, value))


def fingerprint(network: torch.nn.Module) -> str:
    digest = hashlib.sha256()
    for key, value in sorted(network.state_dict().items()):
        if value.is_floating_point():
            digest.update(key.encode() + str(tuple(value.shape)).encode() + value.numpy().tobytes())
    return digest.hexdigest()


@pytest.fixture(scope="module")
def golden_io(shared: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("golden_io", shared / "goldens" / "golden_io.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@dataclass
class Parity:
    golden: Any
    cases: int
    segmenter: Any
    encoded: Any


# The parameters stand at the fixture, so that pytest finishes with one model before it builds the next.
# Building and seeding a network costs most: the quick run has one of each kind, the whole suite all five.
QUICK = ("sam_vit_b", "sam2.1_hiera_tiny")


@pytest.fixture(
    scope="module", params=[name if name in QUICK else pytest.param(name, marks=pytest.mark.slow) for name in GOLDENS]
)
def parity(request: pytest.FixtureRequest, shared: Path, golden_io: ModuleType) -> Iterator[Parity]:
    """A seeded model with the golden image encoded once."""
    name, cases, expected = GOLDENS[request.param]
    segmenter = load(name, weights="random")
    seed_weights(segmenter.network)
    assert fingerprint(segmenter.network) == expected
    golden = golden_io.load(shared / "goldens" / f"{request.param}.npz")
    [encoded] = segmenter.encode([golden.image])
    yield Parity(golden, cases, segmenter, encoded)
    del segmenter, encoded
    gc.collect()


def prompts_of(case: Any) -> list[Prompt]:
    given = case.prompts
    boxes = given.get("boxes", given["box"][None] if "box" in given else [None])
    points = Points(given["point_coords"], given["point_labels"]) if "point_coords" in given else None
    previous = torch.from_numpy(given["mask_input_f32"]) if "mask_input_f32" in given else None
    return [Prompt(box=box, points=points, previous=previous) for box in boxes]


def check_case(parity: Parity, golden_io: ModuleType, case: Any) -> None:
    requests = [(parity.encoded, prompt) for prompt in prompts_of(case)]
    predictions = parity.segmenter.decode(requests, multimask=case.info["multimask_output"])
    low = torch.stack([p.candidate_logits for p in predictions])
    masks = torch.stack([parity.segmenter.masks(parity.encoded, p.candidate_logits) for p in predictions])
    scores = torch.stack([p.candidate_scores for p in predictions])
    report = golden_io.compare(case, low=low.numpy(), iou=scores.numpy(), mask=masks.numpy())
    assert report["ok"], report
    for prediction, candidates in zip(predictions, masks, strict=True):
        assert torch.equal(prediction.mask, candidates[prediction.selected])
        assert prediction.selected == int(prediction.candidate_scores.argmax())


def test_golden_cases(parity: Parity, golden_io: ModuleType) -> None:
    names = parity.golden.case_names
    assert len(names) == parity.cases
    for name in names:
        with pytest.MonkeyPatch.context() as patch:
            if name == "box_single_nodyn":
                decoder = parity.segmenter.network.sam_mask_decoder
                patch.setattr(decoder, "dynamic_multimask_via_stability", False)
            check_case(parity, golden_io, parity.golden.case(name))


def test_golden_input_and_embedding(parity: Parity) -> None:
    stored = parity.golden.global_arrays()
    network_input, _ = parity.segmenter.prepare(parity.golden.image)
    np.testing.assert_allclose(network_input.numpy()[:, ::16, ::16], stored["net_input_sample"], atol=1e-6, rtol=0)
    embedding = parity.encoded.embedding.numpy()[::8, ::4, ::4]
    np.testing.assert_allclose(embedding, stored["embedding_sample"], atol=1e-4, rtol=0)
    if "highres0_sample" in stored:
        fine, coarse = (details.numpy() for details in parity.encoded.details)
        np.testing.assert_allclose(fine[::8, ::16, ::16], stored["highres0_sample"], atol=1e-4, rtol=0)
        np.testing.assert_allclose(coarse[::8, ::8, ::8], stored["highres1_sample"], atol=1e-4, rtol=0)


def test_golden_intensities_of_huang(shared: Path, golden_io: ModuleType) -> None:
    golden = golden_io.load(shared / "goldens" / "huang_vit_b.npz")
    expected = golden.global_arrays()["intensity_preprocessed_image"]
    np.testing.assert_array_equal(stretch_intensities(golden.image), expected)


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


def test_sam_mini_like_the_official_predictor() -> None:
    segmenter = load("sam/mini", weights="random")
    seed_weights(segmenter.network)
    check_against_predictor(segmenter, SamPredictor(segmenter.network), list(SIZES.values()))


def test_sam2_mini_like_the_official_predictor() -> None:
    segmenter = load("sam2/mini", weights="random")
    seed_weights(segmenter.network)
    predictor = SAM2ImagePredictor(segmenter.network)
    # The predictor writes down the feature sizes of a 1024-pixel input.
    predictor._bb_feat_sizes = [tuple(d.shape[-2:]) for d in feature_maps(segmenter)]
    check_against_predictor(segmenter, predictor, list(SIZES.values()))


def lesion_on_skin() -> np.ndarray:
    """Hard edges, and each channel with a range of its own."""
    image = np.full((128, 160, 3), (220, 160, 140), np.uint8)
    image[40:90, 50:110] = 90, 50, 40
    return image


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


def feature_maps(segmenter: Any) -> list[torch.Tensor]:
    [encoded] = segmenter.encode([picture((64, 64))])
    return [*encoded.details, encoded.embedding]


# The large ones take minutes on two cores; they run where the `gpu` tests run.
@pytest.mark.slow
@pytest.mark.parametrize(
    "variant", ["vit_b", *(pytest.param(large, marks=pytest.mark.gpu) for large in ("vit_l", "vit_h"))]
)
def test_sam_like_the_official_predictor(variant: str) -> None:
    segmenter = load(f"sam/{variant}", weights="random")
    seed_weights(segmenter.network)
    check_against_predictor(segmenter, SamPredictor(segmenter.network), [(300, 90)])


@pytest.mark.slow
@pytest.mark.parametrize("variant", ["hiera_small", pytest.param("hiera_large", marks=pytest.mark.gpu)])
def test_sam2_like_the_official_predictor(variant: str) -> None:
    segmenter = load(f"sam2/{variant}", weights="random")
    seed_weights(segmenter.network)
    check_against_predictor(segmenter, SAM2ImagePredictor(segmenter.network), [(300, 90)])
