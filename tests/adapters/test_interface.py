from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

import adapters
from adapters import Card, MissingWeights, Points, Prompt, UnsupportedPrompt
from adapters.interface import check_image, check_prompt, check_prompts
from adapters.weights.catalogue import CATALOGUE
from tests.helpers.waits import Waits

ROOT = Path(__file__).parents[2]
CARD = Card(
    name="test/card",
    title="Test",
    accepts=frozenset({"box", "points"}),
    trained=frozenset({frozenset({"box"})}),
    parameters=0,
    weights=None,
    licence="none",
    source="here",
    citation="none",
    trained_on="nothing",
)


def test_points_are_converted() -> None:
    points = Points([[1, 2.5]], [1])
    assert points.xy.dtype == np.float32
    assert points.labels.dtype == np.int8


@pytest.mark.parametrize(
    ("xy", "labels", "text"),
    [
        ([1, 2], [1], "shape"),
        (np.zeros((0, 2)), [], "N > 0"),
        ([[1, 2]], [1, 0], "1 labels"),
        ([[1, 2]], [2], "0 or 1"),
    ],
)
def test_bad_points(xy: object, labels: object, text: str) -> None:
    with pytest.raises(ValueError, match=text):
        Points(xy, labels)


def test_bad_box_shape() -> None:
    with pytest.raises(ValueError, match=r"shape \(2, 4\)"):
        Prompt(box=np.zeros((2, 4)))


def test_kinds() -> None:
    points = Points([[1, 2]], [1])
    assert Prompt().kinds == {"auto"}
    assert Prompt(box=np.zeros(4), points=points).kinds == {"box", "points"}
    assert Prompt(text="liver", previous=torch.zeros(1, 4, 4)).kinds == {"text", "mask"}


def test_grey_images_get_three_equal_channels() -> None:
    grey = np.arange(6, dtype=np.uint8).reshape(2, 3)
    image = check_image(grey)
    assert image.shape == (2, 3, 3)
    assert (image == grey[..., None]).all()


@pytest.mark.parametrize(
    ("image", "text"),
    [
        (np.zeros((4, 4, 3), np.float32), "float32"),
        (np.zeros((4, 4, 4), np.uint8), r"\(4, 4, 4\)"),
        (np.zeros((1, 4, 4, 3), np.uint8), r"\(1, 4, 4, 3\)"),
        (np.zeros((0, 4, 3), np.uint8), "no pixels"),
    ],
)
def test_bad_images(image: np.ndarray, text: str) -> None:
    with pytest.raises(ValueError, match=text):
        check_image(image)


@pytest.mark.parametrize(
    ("box", "text"),
    [
        ([1, 2, np.nan, 4], "not finite"),
        ([5, 2, 3, 4], "inverted"),
        ([1, 5, 3, 4], "inverted"),
        ([-1, 0, 3, 4], "outside"),
        ([0, 0, 20, 11], "width 20 and height 10"),
        ([0, 0, 21, 10], "outside"),
    ],
)
def test_bad_boxes(box: list[float], text: str) -> None:
    with pytest.raises(ValueError, match=text):
        check_prompt(CARD, Prompt(box=np.array(box)), height=10, width=20)


def test_boxes_and_points_may_touch_the_far_edge() -> None:
    prompt = Prompt(box=np.array([0, 0, 20, 10]), points=Points([[20, 10]], [1]))
    check_prompt(CARD, prompt, height=10, width=20)


@pytest.mark.parametrize("xy", [[-0.1, 3], [3, 10.1], [np.nan, 3]])
def test_points_outside(xy: list[float]) -> None:
    with pytest.raises(ValueError, match="outside"):
        check_prompt(CARD, Prompt(points=Points([xy], [1])), height=10, width=20)


@pytest.mark.parametrize("prompt", [Prompt(), Prompt(text="liver"), Prompt(previous=torch.zeros(4, 4))])
def test_unsupported_prompts_are_named(prompt: Prompt) -> None:
    with pytest.raises(UnsupportedPrompt, match=f"cannot take {next(iter(prompt.kinds))}.*box, points"):
        check_prompt(CARD, prompt, height=10, width=20)


def test_was_trained_on() -> None:
    assert CARD.was_trained_on(frozenset({"box"}))
    assert not CARD.was_trained_on(frozenset({"box", "points"}))


@pytest.mark.parametrize(
    ("name", "full"),
    [
        ("sam", "sam/vit_b"),
        ("sam2", "sam2/hiera_base_plus"),
        ("medsam", "medsam/vit_b"),
        ("huang", "huang/vit_b"),
        ("sam/vit_h", "sam/vit_h"),
    ],
)
def test_bare_families_mean_the_variant_of_the_paper(name: str, full: str) -> None:
    assert adapters.full_name(name) == full


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("sam/vit_c", "sam/vit_b"),
        ("baseline", "baseline/box or baseline/ellipse"),
        ("sam4", "sam2"),
        ("qqqq", "bench ls models"),
        ("", "bench ls models"),
    ],
)
def test_unknown_names_get_hints(name: str, hint: str) -> None:
    with pytest.raises(ValueError, match=f"unknown model '{name}'.*{hint}"):
        adapters.load(name)


def test_unknown_precision() -> None:
    with pytest.raises(ValueError, match="fp32, bf16, fp16, got 'fp8'"):
        adapters.load("baseline/box", precision="fp8")


def test_missing_weights_say_how_to_get_them(tmp_path: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BENCH_WEIGHTS", str(tmp_path))
    entry = CATALOGUE["sam/vit_b"]
    with pytest.raises(MissingWeights) as caught:
        adapters.load("sam")
    for part in (str(tmp_path), entry.file, entry.url, entry.sha256, "`bench download sam/vit_b`"):
        assert part in str(caught.value)


def test_missing_weights_of_a_manual_download(tmp_path: object) -> None:
    with pytest.raises(MissingWeights, match=r"by hand from https://drive.google.com"):
        adapters.load("medsam", weights=tmp_path)


def test_a_path_that_is_not_there(tmp_path: object) -> None:
    with pytest.raises(MissingWeights, match=r"other\.pth"):
        adapters.load("sam/mini", weights=f"{tmp_path}/other.pth")


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_previous_mask_that_is_not_finite_is_refused(value):
    card = replace(CARD, accepts=frozenset({"box", "mask"}))
    previous = torch.zeros(1, 4, 4)
    previous[0, 1, 2] = value
    with pytest.raises(ValueError, match="1 of 16 values that are not finite"):
        check_prompt(card, Prompt(previous=previous), 8, 8)


def test_previous_masks_are_checked_together():
    card = replace(CARD, accepts=frozenset({"box", "mask"}))
    masks = [torch.zeros(1, 4, 4) for _ in range(5)]
    asked = [(Prompt(box=np.zeros(4)), (8, 8)), *((Prompt(previous=mask), (8, 8)) for mask in masks)]
    with Waits() as waits:
        check_prompts(card, asked)
    assert waits.found == 0, "none is looked at alone"
    masks[3][0, 0, :2] = float("nan")
    with pytest.raises(ValueError, match="2 of 16 values"):
        check_prompts(card, asked)
    box = Prompt(box=np.array([0, 0, 9, 9]))
    check_prompts(card, [(box, (9, 9))])
    with pytest.raises(ValueError, match="outside"):
        check_prompts(card, [(box, (9, 9)), (box, (8, 8))])


def test_half_a_character_is_no_text_prompt():
    card = replace(CARD, accepts=frozenset({"text"}))
    check_prompt(card, Prompt(text="肝"), 8, 8)
    with pytest.raises(ValueError, match="is no Unicode"):
        check_prompt(card, Prompt(text="liver\udc80"), 8, 8)
