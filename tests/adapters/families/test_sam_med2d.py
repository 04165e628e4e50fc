"""SAM-Med2D: its network, its image preparation, and the official code's stored outputs."""

import re
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from adapters import Points, Prompt, card, geometry, load
from adapters.families.sam_med2d import MINI, VIT_B, SamMed2dSegmenter, network
from tests.helpers.seeded import fingerprint, seed_weights

FINGERPRINT = "e802d66b7ed6ab6d57bea974236f7a8b20ef7effff353aeaf4a2419899742d4b"
CASES = ["box_2clicks", "box_multi", "box_single", "click_multi", "second_click", "two_boxes"]
PADDED_CASES = ["box", "click1", "click2"]
TOP, LEFT = 50, 15


def count(module: Any) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def segmenter(name: str, net: Any) -> SamMed2dSegmenter:
    return SamMed2dSegmenter(card(name), net, torch.device("cpu"), "fp32")


@pytest.fixture(scope="module")
def mini() -> Any:
    net = network(MINI)
    seed_weights(net)
    return net


@pytest.fixture(scope="module")
def official(shared: Path) -> Any:
    net = load("sam-med2d/vit_b", weights="random").network
    seed_weights(net)
    return net


@pytest.fixture(scope="module")
def golden(shared: Path, golden_io: ModuleType) -> Any:
    return golden_io.load(shared / "goldens" / "sam-med2d_b.npz")


@pytest.fixture(scope="module")
def padded_golden(shared: Path, golden_io: ModuleType) -> Any:
    return golden_io.load(shared / "goldens" / "sam-med2d_b_smallpad.npz")


@pytest.fixture(scope="module")
def shape_only() -> Any:
    """The official network without values: names and shapes cost nothing."""
    with torch.device("meta"):
        return network(VIT_B)


@pytest.fixture(scope="module")
def encoded(official: Any, golden: Any) -> Any:
    [encoded] = segmenter("sam-med2d/vit_b", official).encode([golden.image])
    return encoded


@pytest.fixture(scope="module")
def small(official: Any, padded_golden: Any) -> Any:
    [encoded] = segmenter("sam-med2d/vit_b-pad", official).encode([padded_golden.image])
    return encoded


def picture(height: int, width: int) -> np.ndarray:
    return np.random.default_rng(height * width).integers(0, 256, (height, width, 3)).astype(np.uint8)


def prompts_of(case: Any) -> list[Prompt]:
    given = case.prompts
    boxes = given.get("boxes", given["box"][None] if "box" in given else [None])
    points = Points(given["point_coords"], given["point_labels"]) if "point_coords" in given else None
    previous = torch.from_numpy(given["mask_input_f32"]) if "mask_input_f32" in given else None
    return [Prompt(box=box, points=points, previous=previous) for box in boxes]


def check(golden_io: ModuleType, case: Any, predictions: list[Any]) -> None:
    report = golden_io.compare(
        case,
        low=np.stack([p.logits.numpy() for p in predictions]),
        iou=[p.score for p in predictions],
        mask=np.stack([p.mask.numpy() for p in predictions]),
    )
    assert report["ok"], report


@pytest.mark.parity
@pytest.mark.parametrize("name", CASES)
def test_golden_case(golden_io: ModuleType, golden: Any, official: Any, encoded: Any, name: str) -> None:
    case = golden.case(name)
    requests = [(encoded, prompt) for prompt in prompts_of(case)]
    predictions = segmenter("sam-med2d/vit_b", official).decode(requests, multimask=case.info["multimask_output"])
    check(golden_io, case, predictions)
    if "lowres_all3_f32" in case.extra:
        [prediction] = predictions
        expected, scores = case.extra["lowres_all3_f32"][0], case.extra["iou_all"][0]
        np.testing.assert_allclose(prediction.candidate_logits.numpy(), expected, atol=1e-3, rtol=0)
        np.testing.assert_allclose(prediction.candidate_scores.numpy(), scores, atol=5e-4, rtol=0)


@pytest.mark.parity
def test_golden_rounds_with_our_own_feedback(golden_io: ModuleType, golden: Any, official: Any, encoded: Any) -> None:
    model = segmenter("sam-med2d/vit_b", official)
    [click] = prompts_of(golden.case("click_multi"))
    [first] = model.decode([(encoded, click)])
    case = golden.case("second_click")
    [prompt] = prompts_of(case)
    assert first.feedback is not None
    torch.testing.assert_close(first.feedback, prompt.previous, atol=1e-4, rtol=0)
    check(golden_io, case, model.decode([(encoded, replace(prompt, previous=first.feedback))]))


@pytest.mark.parity
def test_golden_input_and_embedding(golden: Any, official: Any, encoded: Any) -> None:
    stored = golden.global_arrays()
    network_input, _ = segmenter("sam-med2d/vit_b", official).prepare(golden.image)
    np.testing.assert_allclose(network_input.numpy()[:, ::4, ::4], stored["net_input_sample"], atol=1e-6, rtol=0)
    np.testing.assert_allclose(encoded.embedding.numpy()[::4, ::2, ::2], stored["embedding_sample"], atol=1e-4, rtol=0)


@pytest.mark.parity
def test_every_stored_case_is_checked(golden: Any, padded_golden: Any) -> None:
    assert golden.case_names == CASES
    assert padded_golden.case_names == PADDED_CASES


def padded_prompt(case: Any, corner: tuple[int, int]) -> Prompt:
    """The stored prompt, given in the network's frame, in pixels of an image that starts at `corner` (x, y)."""
    given = case.prompts
    box = given["boxes_net"].reshape(2, 2) - corner if "boxes_net" in given else None
    points = None
    if "point_coords_net" in given:
        points = Points(given["point_coords_net"][0] - corner, given["point_labels"].reshape(-1))
    previous = torch.from_numpy(given["mask_input_f32"][0]) if "mask_input_f32" in given else None
    return Prompt(box=None if box is None else box.reshape(4), points=points, previous=previous)


@pytest.mark.parity
@pytest.mark.parametrize("name", ["box", "click1"])
def test_golden_padded_case(golden_io: ModuleType, padded_golden: Any, official: Any, small: Any, name: str) -> None:
    model = segmenter("sam-med2d/vit_b-pad", official)
    case = padded_golden.case(name)
    check(golden_io, case, model.decode([(small, padded_prompt(case, (LEFT, TOP)))]))


@pytest.mark.parity
def test_golden_padded_case_with_a_click_on_the_padding(
    golden_io: ModuleType, padded_golden: Any, official: Any, small: Any
) -> None:
    """Such a click lies outside the image and is refused, so the padded input is taken for the image here."""
    model = segmenter("sam-med2d/vit_b-pad", official)
    whole = replace(small, frame=geometry.squash((256, 256), 256))
    case = padded_golden.case("click2")
    with pytest.raises(ValueError, match="outside"):
        model.decode([(small, padded_prompt(case, (LEFT, TOP)))])
    [prediction] = model.decode([(whole, padded_prompt(case, (0, 0)))])
    check(golden_io, case, [replace(prediction, mask=model.masks(small, prediction.logits[None])[0])])


@pytest.mark.parity
def test_golden_padded_input_and_embedding(padded_golden: Any, official: Any, small: Any) -> None:
    model = segmenter("sam-med2d/vit_b-pad", official)
    stored = padded_golden.global_arrays()
    network_input, frame = model.prepare(padded_golden.image)
    assert frame.corner == (TOP, LEFT) == tuple(padded_golden.meta["pad_top_left"])
    np.testing.assert_allclose(network_input.numpy()[:, ::4, ::4], stored["net_input_sample"], atol=1e-6, rtol=0)
    np.testing.assert_allclose(small.embedding.numpy()[::4, ::2, ::2], stored["embedding_sample"], atol=1e-4, rtol=0)


@pytest.mark.parity
def test_names_and_shapes_are_the_official_ones(official: Any) -> None:
    assert fingerprint(official) == FINGERPRINT


def test_parameters_are_counted_as_officially(shape_only: Any) -> None:
    assert len(shape_only.state_dict()) == 386
    assert count(shape_only) == card("sam-med2d/vit_b").parameters == 271_241_776
    assert count(shape_only.image_encoder) == 267_177_216
    assert sum(count(block.Adapter) for block in shape_only.image_encoder.blocks) == 180_504_576
    assert count(shape_only.prompt_encoder) == 6_220
    assert count(shape_only.mask_decoder) == 4_058_340


def test_mini_is_the_same_network_at_another_size(mini: Any, shape_only: Any) -> None:
    def names(net: Any) -> set[str]:
        return {re.sub(r"blocks\.\d+", "blocks", key) for key in net.state_dict()}

    assert names(mini) == names(shape_only)
    assert 2 * MINI.side == VIT_B.side == 256
    assert count(mini) == card("sam-med2d/mini").parameters


def test_bare_family_is_the_paper_s_variant() -> None:
    assert card("sam-med2d").name == "sam-med2d/vit_b"


def test_three_candidates_are_the_rule_and_feedback_is_a_probability(mini: Any) -> None:
    model = segmenter("sam-med2d/mini", mini)
    [image] = model.encode([picture(90, 140)])
    box = Prompt(box=np.array([20.5, 10, 100, 70]))
    [several], [single] = model.decode([(image, box)]), model.decode([(image, box)], multimask=False)
    assert several.candidate_logits.shape == (3, 64, 64)
    assert single.candidate_logits.shape == (1, 64, 64)
    assert several.selected == int(several.candidate_scores.argmax())
    assert several.mask.shape == (90, 140)
    torch.testing.assert_close(several.feedback, several.logits[None].sigmoid())
    clicks = Points(np.array([[30, 40]]), np.array([1]))
    [after] = model.decode([(image, Prompt(points=clicks, previous=several.feedback))])
    [alone] = model.decode([(image, Prompt(points=clicks))])
    assert not torch.allclose(after.logits, alone.logits)


def test_batching_changes_nothing(mini: Any) -> None:
    model = segmenter("sam-med2d/mini", mini)
    images = model.encode([picture(90, 140), picture(300, 40)])
    first, second = Prompt(box=np.array([2, 3, 30, 39])), Prompt(box=np.array([10, 12, 38, 80]))
    click = Prompt(points=Points(np.array([[5, 7]]), np.array([1])))
    requests = [(images[0], first), (images[1], click), (images[1], second), (images[0], click)]
    for request, together in zip(requests, model.decode(requests), strict=True):
        [alone] = model.decode([request])
        torch.testing.assert_close(together.logits, alone.logits, atol=1e-5, rtol=1e-5)
        assert together.mask.shape == request[0].frame.original


def test_training_never_saw_box_and_points_together() -> None:
    trained = card("sam-med2d/vit_b")
    assert trained.accepts == {"box", "points", "mask"}
    assert not trained.was_trained_on(frozenset({"box", "points"}))
    assert not trained.was_trained_on(frozenset({"box", "points", "mask"}))
    assert trained.was_trained_on(frozenset({"points", "mask"}))


def test_channels_go_in_as_handed_over_unless_the_option_reverses_them(mini: Any) -> None:
    image = picture(64, 64)
    plain, _ = segmenter("sam-med2d/vit_b", mini).prepare(image)
    reversed_, _ = segmenter("sam-med2d/vit_b-bgr", mini).prepare(np.ascontiguousarray(image[..., ::-1]))
    torch.testing.assert_close(plain, reversed_, atol=0, rtol=0)
    red = (image[0, 0, 0] - np.float32(123.675)) / np.float32(58.395)
    assert plain[0, 0, 0] == pytest.approx(red, abs=1e-6)


@pytest.mark.parametrize(("size", "padded"), [((50, 127), True), ((50, 128), False), ((128, 50), False)])
def test_only_images_smaller_than_the_input_are_padded(mini: Any, size: tuple[int, int], padded: bool) -> None:
    network_input, frame = segmenter("sam-med2d/vit_b-pad", mini).prepare(picture(*size))
    assert network_input.shape == (3, 128, 128)
    assert (frame.content == size) == padded
    assert bool((network_input[:, :39] == 0).all()) == padded


def test_weights_that_do_not_fit_are_reported_by_name(tmp_path: Path, mini: Any) -> None:
    state = {key: value.clone() for key, value in mini.state_dict().items()}
    adapter = "image_encoder.blocks.1.Adapter.channel.0.weight"
    misspelt = adapter.replace("Adapter", "adapter")
    state[misspelt] = state.pop(adapter)
    state["image_encoder.pos_embed"] = torch.zeros(1, 16, 16, 64)
    save_file(state, tmp_path / "wrong.safetensors")
    with pytest.raises(ValueError, match="does not fit") as caught:
        load("sam-med2d/mini", weights=tmp_path / "wrong.safetensors")
    assert f"1 missing: {adapter}" in str(caught.value)
    assert f"1 unexpected: {misspelt}" in str(caught.value)
    assert "1 wrong shape: image_encoder.pos_embed (1, 16, 16, 64) for (1, 16, 16, 96)" in str(caught.value)


def test_an_option_uses_the_weights_of_its_network() -> None:
    assert {card(f"sam-med2d/vit_b{option}").weights for option in ("", "-bgr", "-pad")} == {"sam-med2d/vit_b"}
