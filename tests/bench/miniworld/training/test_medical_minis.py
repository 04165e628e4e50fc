"""The minis of SAM-Med2D and IMIS-Net: their weights, what they can do, and the code that trains them."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from adapters import Prompt, Segmenter, card, load
from adapters.families import small_networks
from adapters.interface import Image
from adapters.weights.catalogue import MINI_FOLDER
from bench.miniworld.phantoms.medical import CLASSES, MODALITIES, medical_sample
from bench.miniworld.training import imis, lessons
from bench.miniworld.training.batches import Batch, draw, stream
from bench.miniworld.training.interaction import boxed
from bench.miniworld.training.losses import chosen_loss, dice_loss, mean_dice
from bench.miniworld.training.networks import embed, propose
from bench.miniworld.training.prompts import jittered_boxes, shifted_boxes
from bench.miniworld.training.recipes import RECIPES
from bench.miniworld.training.train import build
from segmote.network.official_names import name_of_sams

LARGEST_BYTES = 3_000_000
FAMILIES = ["sam-med2d", "imis"]
SEED = 4711
SAMPLES_A_MODALITY = 3

Object = tuple[Image, str, np.ndarray]


def weights(family: str) -> dict[str, torch.Tensor]:
    return load_file(MINI_FOLDER / f"{family}.safetensors")


def untrained(family: str) -> Any:
    torch.manual_seed(0)
    return RECIPES[family].adapter.build("mini")


def batch(family: str, images: int = 2) -> Batch:
    recipe, rng = RECIPES[family], np.random.default_rng(0)
    prepare = recipe.adapter(card(f"{family}/mini"), untrained(family), torch.device("cpu"), "fp32").prepare
    return draw(stream(recipe.sampler, rng), prepare, images, rng, recipe.variation)


@pytest.fixture(scope="module")
def held_out() -> list[Object]:
    """The objects of some pictures of every modality that training did not draw."""
    rng = np.random.default_rng(SEED)
    pictures = [medical_sample(rng, modality) for modality in MODALITIES for _ in range(SAMPLES_A_MODALITY)]
    return [(picture.image, name, mask) for picture in pictures for name, mask in picture.masks.items()]


def tight(mask: np.ndarray) -> Prompt:
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    return Prompt(box=np.array([columns[0], rows[0], columns[-1] + 1, rows[-1] + 1], np.float32))


def dice(first: np.ndarray, second: np.ndarray) -> float:
    return float(2 * (first & second).sum() / (first.sum() + second.sum()))


def scores(segmenter: Segmenter, objects: list[Object], prompt: Callable[[str, np.ndarray], Prompt]) -> list[float]:
    images = {id(image): image for image, _, _ in objects}
    encoded = dict(zip(images, segmenter.encode(list(images.values())), strict=True))
    drawn = segmenter.decode([(encoded[id(image)], prompt(name, mask)) for image, name, mask in objects])
    return [dice(one.mask.numpy(), mask) for one, (_, _, mask) in zip(drawn, objects, strict=True)]


# The weights.


@pytest.mark.parametrize("family", FAMILIES)
def test_weights_are_small_and_fit_strictly(family: str) -> None:
    network = untrained(family)
    assert (MINI_FOLDER / f"{family}.safetensors").stat().st_size <= LARGEST_BYTES
    assert sum(value.numel() for value in network.parameters()) == card(f"{family}/mini").parameters
    state = weights(family)
    assert {value.dtype for value in state.values()} == {torch.float16}
    assert all(value.isfinite().all() for value in state.values())
    network.load_state_dict(state, strict=True)


@pytest.mark.parametrize("family", FAMILIES)
def test_weights_say_how_they_were_trained(family: str) -> None:
    with safe_open(MINI_FOLDER / f"{family}.safetensors", "pt") as file:
        training = json.loads(file.metadata()["training"])
    recipe = RECIPES[family]
    assert training == {"family": family, "seed": recipe.seed, "steps": recipe.steps, "data": recipe.data}


@pytest.mark.parametrize("family", FAMILIES)
def test_what_did_not_learn_is_the_mini_sams(family: str) -> None:
    learned, tuned = RECIPES[family].trained, weights(family)
    name = name_of_sams if family == "imis" else str
    kept = {name(key): value for key, value in weights("sam").items() if not name(key).startswith(learned)}
    assert len(kept) >= 50
    assert all(torch.equal(value, tuned[key]) for key, value in kept.items())
    assert any(not torch.equal(value, tuned[name(key)]) for key, value in weights("sam").items())


# What they can do.


@pytest.mark.parametrize("family", FAMILIES)
def test_boxes_are_understood(family: str, held_out: list[Object]) -> None:
    by_box = np.mean(scores(load(f"{family}/mini"), held_out, lambda _, mask: tight(mask)))
    whole = np.mean([dice(np.ones_like(mask), mask) for _, _, mask in held_out])
    assert by_box > 0.6 > 3 * whole


def test_text_beats_chance(held_out: list[Object]) -> None:
    """Chance is an empty mask, the whole image, or what another class's name of the same picture draws."""
    model = load("imis/mini")
    told = scores(model, held_out, lambda name, _: Prompt(text=name))
    whole = [dice(np.ones_like(mask), mask) for _, _, mask in held_out]
    assert np.mean(told) > 2 * np.mean(whole)
    paired = [(image, other(image, name, held_out), mask) for image, name, mask in held_out]
    several = [row for row, (_, name, _) in enumerate(paired) if name]
    wrong = scores(model, [paired[row] for row in several], lambda name, _: Prompt(text=name))
    assert np.mean([told[row] for row in several]) > 2 * np.mean(wrong)


def other(image: Image, name: str, objects: list[Object]) -> str:
    return next((known for picture, known, _ in objects if picture is image and known != name), "")


def test_every_class_of_the_mini_world_can_be_named() -> None:
    model = load("imis/mini")
    names = sorted({name for classes in CLASSES.values() for name in classes})
    [encoded] = model.encode([medical_sample(np.random.default_rng(SEED), "CT").image])
    drawn = model.decode([(encoded, Prompt(text=name)) for name in names])
    assert all(one.candidate_logits.isfinite().all() for one in drawn)
    liver, spleen = (drawn[names.index(name)].logits for name in ("liver", "spleen"))
    assert not torch.allclose(liver, spleen, atol=0.1)


# The training code.


@pytest.mark.parametrize("family", FAMILIES)
def test_a_family_starts_as_the_mini_sam(family: str, tmp_path: Path) -> None:
    torch.manual_seed(1)
    sam, network = small_networks.sam(), untrained(family)
    save_file(sam.state_dict(), tmp_path / "sam.safetensors")
    RECIPES[family].inherit(network, tmp_path / "sam.safetensors")
    images = batch(family, images=1).images
    with torch.no_grad():
        (expected,), (found,) = embed(sam, images), embed(network, images)
    torch.testing.assert_close(found, expected, atol=1e-3, rtol=1e-3)


def test_a_name_in_sam_has_one_in_imis() -> None:
    names, known = {name_of_sams(key) for key in small_networks.sam().state_dict()}, untrained("imis").state_dict()
    assert len(names) == len(small_networks.sam().state_dict())
    assert names <= set(known)
    new = ("image_encoder.sam_encoder.neck.", "mask_decoder.semantic_", "mask_decoder.text_output.", "text_")
    assert all(name.startswith(new) for name in set(known) - names)


def test_imis_in_training_draws_what_its_adapter_draws() -> None:
    drawn, network = batch("imis"), untrained("imis")
    model = RECIPES["imis"].adapter(card("imis/mini"), network, torch.device("cpu"), "fp32")
    with torch.no_grad():
        features, text = embed(network, drawn.images), imis.told(network, drawn.names)
        logits, predicted = propose(network, features, drawn.owner, boxed(drawn.boxes))
        direct = network.decode(features[0][drawn.owner], boxes=drawn.boxes)
    torch.testing.assert_close(text, model.pooled(drawn.names))
    torch.testing.assert_close((logits, predicted), (direct.logits, direct.scores))


def test_only_imis_keeps_left_and_right() -> None:
    assert RECIPES["sam-med2d"].variation.turned
    assert not RECIPES["imis"].variation.turned


def test_only_the_candidate_of_the_best_score_learns() -> None:
    logits = torch.zeros(1, 4, 2, 2, requires_grad=True)
    predicted = torch.tensor([[9.0, 0.1, 0.7, 0.3]], requires_grad=True)
    target = torch.tensor([[[[1.0, 0.0], [0.0, 0.0]]]])
    loss, chosen = chosen_loss(logits, predicted, target)
    loss.sum().backward()
    assert chosen.shape == target.shape
    assert logits.grad.flatten(2).abs().sum(2).gt(0).tolist() == [[False, False, True, False]]
    assert predicted.grad.ne(0).tolist() == [[False, False, True, False]]
    expected = float(dice_loss(torch.zeros(2, 2), target[0, 0])) + np.log(2) + 0.7**2
    assert loss.item() == pytest.approx(expected)


def test_mean_dice_by_hand() -> None:
    target = torch.tensor([[[1.0, 1.0], [0.0, 0.0]], [[1.0, 0.0], [0.0, 0.0]]])
    drawn = torch.tensor([[[1.0, -1.0], [-1.0, -1.0]], [[-1.0, 1.0], [-1.0, -1.0]]])
    assert mean_dice(drawn, target) == pytest.approx((2 / 3 + 0) / 2)


def test_box_noise_keeps_to_its_limits() -> None:
    generator = torch.Generator().manual_seed(0)
    boxes = torch.tensor([[100.0, 100.0, 104.0, 120.0], [20.0, 10.0, 220.0, 200.0]]).repeat(200, 1)
    moved = shifted_boxes(boxes, 256, generator) - boxes
    torch.testing.assert_close(moved[:, :2], moved[:, 2:])
    assert moved[::2].abs().max() <= 2 and 4 < moved[1::2].abs().max() <= 5
    jittered = jittered_boxes(boxes, 256, generator)
    assert (jittered[:, :2] <= jittered[:, 2:]).all()
    assert (jittered[1::2] - boxes[1::2]).abs().max() == 5
    assert torch.equal(jittered, jittered.round())


def rounds_seen(monkeypatch: pytest.MonkeyPatch, family: str) -> list[Any]:
    """The prompts of some steps of training with a network that draws nothing."""
    seen: list[Any] = []

    def record(network: Any, features: Any, owner: torch.Tensor, prompts: Any) -> tuple[torch.Tensor, torch.Tensor]:
        seen.append(prompts)
        return torch.full((len(owner), 4, 64, 64), -50.0), torch.zeros(len(owner), 4)

    monkeypatch.setattr(lessons, "propose", record)
    drawn, network, generator = batch(family, images=1), untrained(family), torch.Generator().manual_seed(0)
    monkeypatch.setattr(lessons, "embed", lambda *_: [])
    for _ in range(40):
        RECIPES[family].lesson.loss(network, drawn, generator)
    return seen


def kinds(prompts: Any) -> frozenset[str]:
    told = {"box": prompts.boxes, "mask": prompts.masks, "text": prompts.text}
    found = {kind for kind, value in told.items() if value is not None}
    return frozenset(found | ({"points"} if prompts.xy.shape[1] else set()))


@pytest.mark.parametrize("family", FAMILIES)
def test_training_sees_the_prompts_that_the_card_says(family: str, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = rounds_seen(monkeypatch, family)
    assert {kinds(prompts) for prompts in seen} == card(f"{family}/mini").trained
    fed_back = torch.cat([prompts.masks for prompts in seen if prompts.masks is not None])
    assert fed_back.unique().tolist() == ([-32.0] if family == "imis" else [pytest.approx(0, abs=1e-6)])


@pytest.mark.parametrize("family", FAMILIES)
def test_one_step_of_training_is_deterministic(family: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bench.miniworld.training.train.VALIDATION_IMAGES", 1)
    for run in ("one", "two"):
        (tmp_path / run).mkdir()
        save_file(weights("sam"), tmp_path / run / "sam.safetensors")
    [first], [again] = (
        build([family], tmp_path / run, steps_scale=1e-6, log_dir=tmp_path / "logs").values() for run in ("one", "two")
    )
    assert first.name == f"{family}.safetensors"
    assert first.read_bytes() == again.read_bytes()
    assert (tmp_path / "logs" / f"{family}.csv").read_text().startswith("step,seconds,loss,dice_box,dice_click1,dice_")
