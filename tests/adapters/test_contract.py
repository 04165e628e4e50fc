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

from adapters import REGISTRY, MissingWeights, Points, Prediction, Prompt, UnsupportedPrompt, card, load
from adapters.batching import OBJECTS_PER_PASS
from adapters.families import small_networks
from adapters.families.medsam2 import MedSam2Segmenter
from adapters.weights.catalogue import CATALOGUE, locate
from tests.helpers.prompts import image

NAMES = [name for name in REGISTRY if card(name).weights not in CATALOGUE]  # the official ones take minutes
CUT = "medsam2/mini"  # no such weights: MedSAM2's class on SAM 2's small network
INTERACTIVE = ["sam/mini", "sam2/mini", CUT]
BOX_ONLY = ["medsam/mini", "huang/mini"]
BOX = Prompt(box=np.array([58, 6, 80, 26]))
CLICK = Prompt(points=Points([[69, 16]], [1]))


def open_model(name: str) -> Any:
    """With the package's weights where they are present, else untrained but the same each time."""
    torch.manual_seed(0)
    if name == CUT:
        described = replace(card("medsam2/latest"), name=CUT, weights=CUT)
        return MedSam2Segmenter(
            described, small_networks.with_memory(small_networks.sam2()), torch.device("cpu"), "fp32"
        )
    try:
        return load(name)
    except MissingWeights:
        return load(name, weights="random")


@pytest.fixture(scope="module", params=[*NAMES, CUT])
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


@pytest.mark.parametrize("name", NAMES)
def test_cards_count_parameters(name: str) -> None:
    segmenter = load(name, weights="random")
    assert segmenter.card.parameters == sum(p.numel() for p in segmenter.network.parameters())


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in REGISTRY if name not in NAMES])
def test_official_cards_count_parameters(name: str) -> None:
    test_cards_count_parameters(name)


def test_shapes_and_types(segmenter: Any) -> None:
    [encoded] = segmenter.encode([image()])
    [prediction] = segmenter.decode([(encoded, BOX)])
    candidates, *low = prediction.candidate_logits.shape
    assert prediction.mask.shape == (48, 90)
    assert prediction.mask.dtype == torch.bool
    assert prediction.logits.shape == tuple(low)
    assert prediction.candidate_scores.shape == (candidates,)
    assert prediction.candidate_logits.dtype == prediction.candidate_scores.dtype == torch.float32
    assert torch.equal(prediction.logits, prediction.candidate_logits[prediction.selected])
    assert isinstance(prediction.score, float)
    assert not prediction.logits.requires_grad
    assert not segmenter.network.training
    drawn = segmenter.masks(encoded, prediction.candidate_logits)
    assert torch.equal(drawn[prediction.selected], prediction.mask)


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


def test_prompts_move_the_mask(segmenter: Any) -> None:
    [encoded] = segmenter.encode([image()])
    first, second = segmenter.decode([(encoded, BOX), (encoded, Prompt(box=np.array([2, 20, 30, 46])))])
    assert not torch.equal(first.logits, second.logits)


@pytest.mark.parametrize("shape", [(5, 7), (1, 1), (1, 40), (400, 30)])
def test_odd_sizes(segmenter: Any, shape: tuple[int, int]) -> None:
    height, width = shape
    [encoded] = segmenter.encode([image(height, width)])
    [prediction] = segmenter.decode([(encoded, Prompt(box=np.array([0, 0, width, height])))])
    assert prediction.mask.shape == shape


def test_grey_is_the_same_as_three_equal_channels(segmenter: Any) -> None:
    grey = image()[..., 0]
    both = segmenter.encode([grey, np.stack([grey] * 3, axis=2)])
    first, second = segmenter.decode([(encoded, BOX) for encoded in both])
    assert_same([first], [second])


@pytest.mark.parametrize("value", [0, 128, 255])
def test_images_without_contrast(segmenter: Any, value: int) -> None:
    [encoded] = segmenter.encode([np.full((48, 90), value, np.uint8)])
    [prediction] = segmenter.decode([(encoded, BOX)])
    assert prediction.candidate_logits.isfinite().all()


def test_bad_images_are_refused(segmenter: Any) -> None:
    with pytest.raises(ValueError, match="float64"):
        segmenter.encode([image() / 255])


def test_unsupported_prompts_are_refused(segmenter: Any) -> None:
    [encoded] = segmenter.encode([image()])
    offered = {"box": BOX, "points": CLICK, "mask": Prompt(previous=torch.zeros(1, 8, 8))}
    offered |= {"text": Prompt(text="disc"), "auto": Prompt()}
    for kind, prompt in offered.items():
        if kind not in segmenter.card.accepts:
            with pytest.raises(UnsupportedPrompt, match=segmenter.card.name):
                segmenter.decode([(encoded, prompt)])


def test_bad_boxes_are_refused(segmenter: Any) -> None:
    [encoded] = segmenter.encode([image()])
    with pytest.raises(ValueError, match="width 90 and height 48"):
        segmenter.decode([(encoded, BOX), (encoded, Prompt(box=np.array([0, 0, 48, 90])))])


def test_nothing_asked_nothing_answered(segmenter: Any) -> None:
    assert segmenter.encode([]) == []
    assert segmenter.decode([]) == []


def test_decoding_twice_gives_the_same(segmenter: Any) -> None:
    [encoded] = segmenter.encode([image()])
    [first] = segmenter.decode([(encoded, BOX)])
    [second] = segmenter.decode([(encoded, BOX)])
    assert torch.equal(first.mask, second.mask)
    assert torch.equal(first.candidate_logits, second.candidate_logits)


def test_encoding_another_image_disturbs_nothing(segmenter: Any) -> None:
    [encoded] = segmenter.encode([image()])
    [before] = segmenter.decode([(encoded, BOX)])
    segmenter.encode([image(30, 200)[:, ::-1].copy()])
    [after] = segmenter.decode([(encoded, BOX)])
    assert torch.equal(before.candidate_logits, after.candidate_logits)


@pytest.mark.filterwarnings("error")
def test_views_and_read_only_images(segmenter: Any) -> None:
    mirrored = image()[:, ::-1]
    locked = mirrored.copy()
    locked.flags.writeable = False
    box = Prompt(box=np.array([10, 6, 32, 26]))
    first, second = segmenter.decode([(encoded, box) for encoded in segmenter.encode([mirrored, locked])])
    assert_same([first], [second])


def test_the_callers_image_is_not_changed(segmenter: Any) -> None:
    given = image()
    segmenter.encode([given])
    np.testing.assert_array_equal(given, image())


def test_different_images_together_are_like_one_by_one(segmenter: Any) -> None:
    images = [image(), image(60, 40), image(33, 100)[::-1].copy()]
    boxes = [Prompt(box=np.array([0.2 * w, 0.3 * h, 0.7 * w, 0.9 * h])) for h, w in ((48, 90), (60, 40), (33, 100))]
    together = segmenter.decode(list(zip(segmenter.encode(images), boxes, strict=True)))
    alone = [segmenter.decode([(segmenter.encode([one])[0], box)])[0] for one, box in zip(images, boxes, strict=True)]
    assert_same(together, alone)


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
    most = 32 if interactive.card.name.startswith(("sam2/", "medsam2/")) else math.inf
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
