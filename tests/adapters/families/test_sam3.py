"""SAM 3 behind the interface against transformers' own processor and model, called the way its pages say."""

import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

import adapters
from adapters import MissingWeights, Points, Prompt, card, load
from adapters.families.sam3 import Sam3Segmenter
from adapters.weights import catalogue
from adapters.weights.catalogue import CATALOGUE, Status
from adapters.weights.download import DownloadError
from tests.helpers.predictors import KINDS, compare, official_arguments, picture, prompt_of
from tests.helpers.sam3 import SIDE, small_sam3, small_sam3_video, transformers_with_sam3
from tests.helpers.seeded import seed_weights

SIZES = [(60, 90), (61, 33), (7, 5), (150, 200), (SIDE, SIDE)]
ENTRY = CATALOGUE["sam3/tracker"]


def on(network: Any) -> Sam3Segmenter:
    return Sam3Segmenter(card("sam3"), network, torch.device("cpu"), "fp32")


@pytest.fixture(scope="module")
def segmenter() -> Sam3Segmenter:
    network = small_sam3()
    seed_weights(network)
    return on(network)


def official_processor(side: int) -> Any:
    transformers = transformers_with_sam3()
    size = {"height": side, "width": side}
    return transformers.Sam3TrackerProcessor(transformers.Sam3ImageProcessor(size=size))


@torch.no_grad()
def official_answer(network: Any, image: np.ndarray, arguments: dict[str, Any], several: bool) -> tuple[Any, ...]:
    processor = official_processor(SIDE)
    points = [[arguments["point_coords"].tolist()]] if "point_coords" in arguments else None
    labels = [[arguments["point_labels"].tolist()]] if points else None
    boxes = [[arguments["box"].tolist()]] if "box" in arguments else None
    inputs = processor(
        images=image,
        input_points=points,
        input_labels=labels,
        input_boxes=boxes,
        return_tensors="pt",
        input_data_format="channels_last",
    )
    sizes = inputs.pop("original_sizes")
    mask = torch.from_numpy(arguments["mask_input"])[None] if "mask_input" in arguments else None
    found = network(**inputs, input_masks=mask, multimask_output=several)
    [[masks]] = processor.post_process_masks(found.pred_masks, sizes)
    return masks.numpy(), found.iou_scores[0, 0].numpy(), found.pred_masks[0, 0].numpy()


def test_like_transformers_own_processor_and_model(segmenter: Sam3Segmenter) -> None:
    """All images and prompts in one call against one official call each."""
    images = [picture(size) for size in SIZES]
    mask = np.random.default_rng(0).normal(0, 4, (1, 32, 32)).astype(np.float32)
    asked = [
        (encoded, image, official_arguments(kind, image.shape[:2], mask))
        for encoded, image in zip(segmenter.encode(images), images, strict=True)
        for kind in KINDS
    ]
    requests = [(encoded, prompt_of(arguments)) for encoded, _, arguments in asked]
    for several in (False, True):
        ours = segmenter.decode(requests, multimask=several)
        assert {len(one.candidate_scores) for one in ours} == {3 if several else 1}
        for one, (encoded, image, arguments) in zip(ours, asked, strict=True):
            compare(segmenter, encoded, one, official_answer(segmenter.network, image, arguments, several))


@pytest.mark.parametrize("size", [(300, 90), (7, 5), (1008, 1008), (1100, 1300)])
def test_input_as_the_released_processor_makes_it(size: tuple[int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    image = np.random.default_rng(0).integers(0, 256, (*size, 3), np.uint8)
    monkeypatch.setattr(Sam3Segmenter, "side", 1008)
    ours, _ = on(None).prepare(image)
    official = official_processor(1008)(images=image, return_tensors="pt", input_data_format="channels_last")
    torch.testing.assert_close(ours, official["pixel_values"][0], rtol=0, atol=1e-6)


def test_holes_stay_and_logits_handed_back_are_clamped(
    segmenter: Sam3Segmenter, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The authors' predictor would fill the hole, which is smaller than 256 low-resolution pixels."""
    [encoded] = segmenter.encode([picture((SIDE, SIDE))])
    drawn = torch.full((1, 1, 1, 32, 32), 50.0)
    drawn[..., 12:16, 12:16] = -50
    answer = segmenter.network(image_embeddings=[one[None] for one in (*encoded.details, encoded.embedding)])
    answer.pred_masks, answer.iou_scores = drawn, torch.ones(1, 1, 1)
    monkeypatch.setattr(segmenter.network, "forward", lambda **_: answer)
    [found] = segmenter.decode([(encoded, Prompt(box=np.array([1, 1, 99, 99])))])
    assert not found.mask[44:54, 44:54].any() and found.mask[0, 0]
    assert (found.feedback.min(), found.feedback.max()) == (-32, 32)
    assert (found.logits.min(), found.logits.max()) == (-50, 50)


def save_published(folder: Path) -> dict[str, torch.Tensor]:
    """A folder as on the model's page: config.json and the tensors of detector, tracker and memory."""
    network = small_sam3_video()
    seed_weights(network)
    network.config.save_pretrained(folder)
    state = {key: value.contiguous() for key, value in network.state_dict().items()}
    save_file(state, folder / "model.safetensors", {"format": "pt"})
    return state


def logits(network: Any) -> torch.Tensor:
    ours = on(network.eval())
    [encoded] = ours.encode([picture((60, 90))])
    [found] = ours.decode([(encoded, Prompt(points=Points([[30, 20]], [1])))])
    return found.candidate_logits


def test_the_published_file_gives_what_transformers_loads(tmp_path: Path) -> None:
    save_published(tmp_path)
    official = transformers_with_sam3().Sam3TrackerModel.from_pretrained(tmp_path)
    network = small_sam3()
    Sam3Segmenter.fill(network, tmp_path / "model.safetensors")
    torch.testing.assert_close(network.state_dict(), official.state_dict(), rtol=0, atol=0)
    torch.testing.assert_close(logits(network), logits(official), rtol=0, atol=1e-6)


def test_files_of_the_tracker_alone(tmp_path: Path, segmenter: Sam3Segmenter) -> None:
    """As `save_pretrained` of a fine-tuned tracker writes them, and with its own names."""
    segmenter.network.save_pretrained(tmp_path)
    save_file(segmenter.network.state_dict(), tmp_path / "bare.safetensors")
    for file in ("model.safetensors", "bare.safetensors"):
        network = small_sam3()
        Sam3Segmenter.fill(network, tmp_path / file)
        torch.testing.assert_close(network.state_dict(), segmenter.network.state_dict(), rtol=0, atol=0)


def test_the_detectors_neck_does_not_stand_in_for_the_trackers(tmp_path: Path) -> None:
    state = {key: value for key, value in save_published(tmp_path).items() if not key.startswith("tracker_neck.")}
    save_file(state, tmp_path / "cut.safetensors")
    with pytest.raises(ValueError, match=r"missing: vision_encoder\.neck\."):
        Sam3Segmenter.fill(small_sam3(), tmp_path / "cut.safetensors")


def test_the_authors_own_names_are_refused(tmp_path: Path) -> None:
    torch.save({"detector.backbone.trunk.pos_embed": torch.zeros(1)}, tmp_path / "sam3.pt")
    with pytest.raises(ValueError, match=r"1 unexpected: detector\.backbone"):
        Sam3Segmenter.fill(small_sam3(), tmp_path / "sam3.pt")


def test_without_transformers_5_the_error_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "transformers", ModuleType("transformers"))
    with pytest.raises(ValueError, match=r"transformers 5 or later: pip install 'segmote-bench\[sam3\]'"):
        load("sam3", weights="random")


def test_weights_behind_a_form_are_named_and_never_fetched(tmp_path: Path) -> None:
    with pytest.raises(MissingWeights, match=r"sam3/model\.safetensors by hand from https://huggingface\.co/facebook/"):
        load("sam3", weights=tmp_path)
    with pytest.raises(DownloadError, match=r"by hand from https://huggingface\.co/facebook/sam3; .*sam3/model"):
        catalogue.download(ENTRY, tmp_path)


def test_the_pages_own_folder_lies_in_the_weights_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "sam3"
    folder.mkdir()
    state = save_published(folder)
    assert catalogue.status(ENTRY, tmp_path) is Status.UNVERIFIED
    monkeypatch.setattr(Sam3Segmenter, "build", staticmethod(lambda variant: small_sam3()))
    for weights in (tmp_path, folder / "model.safetensors"):
        loaded = load("sam3", weights=weights).network.state_dict()
        neck = "vision_encoder.neck.fpn_layers.2.proj1.weight"
        torch.testing.assert_close(loaded[neck], state["tracker_neck.fpn_layers.2.proj1.weight"])


def test_random_weights_need_no_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Sam3Segmenter, "build", staticmethod(lambda variant: small_sam3()))
    assert adapters.full_name("sam3") == "sam3/tracker"
    assert logits(load("sam3", weights="random").network).isfinite().all()


def test_half_precision_stays_in_the_encoder(segmenter: Sam3Segmenter) -> None:
    half = Sam3Segmenter(card("sam3"), segmenter.network, torch.device("cpu"), "bf16")
    prompt = Prompt(box=np.array([10, 10, 60, 50]))
    exact, rounded = (
        one.decode([(encoded, prompt)])[0].logits
        for one in (segmenter, half)
        for encoded in one.encode([picture((60, 90))])
    )
    assert rounded.dtype == torch.float32
    assert not torch.equal(exact, rounded)
    assert (exact - rounded).abs().max() < 0.2 * exact.std() + 0.05
