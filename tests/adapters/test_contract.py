"""What every model behind the interface must do, whatever it is."""

import math
import pkgutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from adapters import REGISTRY, MissingWeights, Points, Prediction, Prompt, card, load
from adapters.batching import OBJECTS_PER_PASS
from adapters.contract import CHECKS, broken, image
from adapters.families import small_networks
from adapters.families.baseline import BaselineSegmenter
from adapters.families.medsam2 import MedSam2Segmenter
from adapters.families.sam3 import Sam3Segmenter
from adapters.weights.catalogue import CATALOGUE, locate
from tests.helpers.sam3 import small_sam3

NAMES = [name for name in REGISTRY if card(name).weights not in CATALOGUE]  # the official ones take minutes
# No such weights: the class of a family on a small network.
CUT = {"medsam2/mini": ("medsam2/latest", MedSam2Segmenter), "sam3/mini": ("sam3/tracker", Sam3Segmenter)}
INTERACTIVE = ["sam/mini", "sam2/mini", *CUT]
BOX_ONLY = ["medsam/mini", "huang/mini"]
BOX = Prompt(box=np.array([58, 6, 80, 26]))
CLICK = Prompt(points=Points([[69, 16]], [1]))


def open_model(name: str) -> Any:
    """With the package's weights where they are present, else untrained but the same each time."""
    torch.manual_seed(0)
    if name in CUT:
        official, family = CUT[name]
        of_sam3 = family is Sam3Segmenter
        network: Any = small_sam3() if of_sam3 else small_networks.with_memory(small_networks.sam2())
        parameters = sum(one.numel() for one in network.parameters())
        described = replace(card(official), name=name, weights=name, parameters=parameters)
        return family(described, network, torch.device("cpu"), "fp32")
    try:
        return load(name)
    except MissingWeights:
        return load(name, weights="random")


@pytest.fixture(scope="module", params=[*NAMES, *CUT])
def segmenter(request: pytest.FixtureRequest) -> Any:
    return open_model(request.param)


@pytest.fixture(scope="module", params=INTERACTIVE)
def interactive(request: pytest.FixtureRequest) -> Any:
    return open_model(request.param)


@pytest.fixture(scope="module", params=BOX_ONLY)
def box_only(request: pytest.FixtureRequest) -> Any:
    return open_model(request.param)


def assert_same(first: Sequence[Prediction], second: Sequence[Prediction]) -> None:
    """Equal up to the noise of float sums in another order."""
    for a, b in zip(first, second, strict=True):
        scale = max(1.0, a.candidate_logits.abs().max().item())
        torch.testing.assert_close(a.candidate_logits, b.candidate_logits, rtol=0, atol=2e-5 * scale)
        torch.testing.assert_close(a.candidate_scores, b.candidate_scores, rtol=0, atol=2e-5, equal_nan=True)
        assert a.selected == b.selected
        assert (a.mask != b.mask).float().mean() <= 1e-3


@pytest.mark.parametrize("name", REGISTRY)
def test_every_name_resolves(name: str) -> None:
    assert card(name).name == name
    assert callable(pkgutil.resolve_name(REGISTRY[name]).build)


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in REGISTRY if name not in NAMES])
def test_official_cards_count_parameters(name: str) -> None:
    assert broken(load(name, weights="random"), ["parameters_are_those_of_the_card"]) == {
        "parameters_are_those_of_the_card": None
    }


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("check", CHECKS)
def test_every_model_keeps_the_contract(segmenter: Any, check: str) -> None:
    if check == "parameters_are_those_of_the_card" and segmenter.card.name not in CUT:
        segmenter = load(segmenter.card.name, weights="random")
    assert broken(segmenter, [check]) == {check: None}


class Broken(BaselineSegmenter):
    """A rule that breaks the contract in one way."""

    def __init__(self, way: str) -> None:
        super().__init__(card("baseline/box"), torch.nn.Module().eval(), torch.device("cpu"), "fp32")
        self.way, self.asked = way, 0

    def encode(self, images: Sequence[Any]) -> list[Any]:
        if self.way == "scales" and len(images):
            images[0][0, 0] = 7
        if self.way == "takes floats":
            images = [np.asarray(one, np.uint8) for one in images]
        return super().encode(images)

    def decode(self, requests: Any, *, multimask: bool | None = None) -> list[Prediction]:
        if self.way == "forgives":
            height, width = requests[0][0].frame.original if requests else (0, 0)
            most = np.array([width, height, width, height])
            requests = [(one, Prompt(box=np.minimum(BOX.box if p.box is None else p.box, most))) for one, p in requests]
        found = super().decode(requests, multimask=multimask)
        self.asked += 1
        if self.way == "drifts":
            return [replace(one, candidate_logits=one.candidate_logits + self.asked) for one in found]
        if self.way == "transposes":
            return [replace(one, mask=one.mask.T) for one in found]
        return found


@pytest.mark.parametrize(
    ("way", "check", "text"),
    [
        ("transposes", "shapes_and_types", "mask of (90, 48), image of (48, 90)"),
        ("transposes", "images_of_odd_sizes", "mask of (7, 5) for an image of (5, 7)"),
        ("drifts", "decoding_twice_gives_the_same", "another answer the second time"),
        ("drifts", "different_images_together_are_like_one_by_one", "logits differ by"),
        ("scales", "views_and_read_only_images", "read-only"),
        ("takes floats", "bad_images_are_refused", "no ValueError that says 'float64'"),
        ("forgives", "unsupported_prompts_are_refused", "no UnsupportedPrompt"),
        ("forgives", "bad_boxes_are_refused", "no ValueError that says 'width 90 and height 48'"),
    ],
)
def test_a_broken_contract_is_told(way: str, check: str, text: str) -> None:
    reason = broken(Broken(way), [check])[check]
    assert reason and text in reason
    assert broken(load("baseline/box"), [check]) == {check: None}


def test_the_object_is_where_the_box_is(segmenter: Any) -> None:
    """Off the diagonal of a non-square image, so that exchanged axes show."""
    if segmenter.card.weights is not None and not locatable(segmenter.card.name):
        pytest.skip("an untrained network draws anything")
    [encoded] = segmenter.encode([image()])
    [prediction] = segmenter.decode([(encoded, BOX)])
    y, x = np.mgrid[:48, :90]
    target = np.hypot(x - 69, y - 16) < 10
    drawn = prediction.mask.numpy()
    assert 2 * (target & drawn).sum() / (target.sum() + drawn.sum()) > 0.7


def locatable(name: str) -> bool:
    try:
        return locate(name).is_file()
    except MissingWeights:
        return False


def test_mixed_prompts_together_are_like_one_by_one(interactive: Any) -> None:
    first, second = interactive.encode([image(), image(60, 110)])
    [clicked] = interactive.decode([(first, CLICK)])
    mixed = [
        (first, CLICK),
        (second, BOX),
        (first, replace(BOX, points=Points([[69, 16], [10, 40]], [1, 0]))),
        (second, CLICK),
        (first, replace(CLICK, previous=clicked.feedback)),
        (first, Prompt(previous=clicked.feedback)),
        (second, Prompt(points=Points([[5, 5]], [0]))),
    ]
    for multimask in (None, True, False):
        together = interactive.decode(mixed, multimask=multimask)
        alone = [interactive.decode([request], multimask=multimask)[0] for request in mixed]
        assert_same(together, alone)


def test_more_objects_than_one_pass_holds(interactive: Any) -> None:
    count = OBJECTS_PER_PASS["cpu"] + 1
    [encoded] = interactive.encode([image()])
    boxes = [Prompt(box=np.array([n, n, 60 + n, 30 + n])) for n in range(count)]
    together = interactive.decode([(encoded, box) for box in boxes])
    assert_same(together[-1:], interactive.decode([(encoded, boxes[-1])]))


def test_one_click_alone_gets_several_candidates(interactive: Any) -> None:
    [encoded] = interactive.encode([image()])
    background = Prompt(points=Points([[69, 16]], [0]))
    two = Prompt(points=Points([[69, 16], [1, 1]], [1, 0]))
    [clicked] = interactive.decode([(encoded, CLICK)])
    prompts = [
        CLICK,
        background,
        two,
        BOX,
        replace(BOX, points=CLICK.points),
        replace(CLICK, previous=clicked.feedback),
    ]
    predictions = interactive.decode([(encoded, prompt) for prompt in prompts])
    assert [len(p.candidate_scores) for p in predictions] == [3, 1, 1, 1, 1, 1]
    best = predictions[0]
    assert best.score == best.candidate_scores.max().item() == best.candidate_scores[best.selected].item()


def test_feedback_goes_back_in(interactive: Any) -> None:
    [encoded] = interactive.encode([image()])
    [clicked] = interactive.decode([(encoded, CLICK)])
    most = 32 if interactive.card.name.startswith(("sam2/", "medsam2/", "sam3/")) else math.inf
    torch.testing.assert_close(clicked.feedback, clicked.logits[None].clamp(-most, most))
    flat = replace(CLICK, previous=clicked.feedback[0])
    first, second = interactive.decode([(encoded, replace(CLICK, previous=clicked.feedback)), (encoded, flat)])
    assert_same([first], [second])
    assert not torch.equal(first.logits, clicked.logits)


@pytest.mark.parametrize("shape", [(2, 64, 64), (64,), (1, 8, 8), (1, 1, 64, 64)])
def test_bad_previous_masks_are_refused(interactive: Any, shape: tuple[int, ...]) -> None:
    [encoded] = interactive.encode([image()])
    with pytest.raises(ValueError, match=r"previous mask must be .* got shape"):
        interactive.decode([(encoded, replace(CLICK, previous=torch.zeros(shape)))])


def test_tuned_on_boxes_alone(box_only: Any) -> None:
    """The tuned networks take a click, but say that they never saw one; their score head got no loss."""
    [encoded] = box_only.encode([image()])
    for prediction in box_only.decode([(encoded, BOX), (encoded, CLICK)]):
        assert len(prediction.candidate_scores) == 1
        assert math.isnan(prediction.score)
        assert prediction.feedback is None
    assert box_only.card.was_trained_on(BOX.kinds)
    assert not box_only.card.was_trained_on(CLICK.kinds)
    [several] = box_only.decode([(encoded, BOX)], multimask=True)
    assert len(several.candidate_scores) == 3


@pytest.mark.parametrize("name", ["sam/mini", "sam2/mini", *BOX_ONLY])
def test_half_precision_stays_inside(name: str) -> None:
    torch.manual_seed(0)
    segmenter = load(name, weights="random", precision="bf16")
    torch.manual_seed(0)
    exact = load(name, weights="random")
    [encoded] = segmenter.encode([image()])
    [prediction] = segmenter.decode([(encoded, BOX)])
    [reference] = exact.decode([(exact.encode([image()])[0], BOX)])
    assert not torch.is_autocast_enabled("cpu")
    assert prediction.logits.dtype == torch.float32
    assert not torch.equal(prediction.logits, reference.logits)
    assert (prediction.logits - reference.logits).abs().max() < 0.2 * reference.logits.std() + 0.05


def test_autocast_of_the_caller_does_not_reach_in(interactive: Any) -> None:
    [encoded] = interactive.encode([image()])
    [reference] = interactive.decode([(encoded, BOX)])
    with torch.autocast("cpu", dtype=torch.bfloat16):
        [prediction] = interactive.decode([(interactive.encode([image()])[0], BOX)])
    assert_same([prediction], [reference])


def test_weights_folder_means_nothing_to_models_without_a_catalogue_file(tmp_path: Path) -> None:
    assert load("baseline/box", weights=tmp_path).card.name == "baseline/box"
