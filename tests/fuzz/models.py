"""Hostile images and prompts for every mini family."""

from functools import cache
from typing import Any

import numpy as np
import torch
from hypothesis import strategies as st

import adapters
from adapters import Points, Prompt, Segmenter
from tests.fuzz.outcomes import Tally

FAMILIES = ("sam", "sam2", "medsam", "huang", "sam-med2d", "imis", "segmote")
GREY = ((1, 1), (1, 5000), (5000, 1), (24, 32), (0, 5))
COLOUR = ((33, 17, 3), (2, 2, 3), (64, 64, 3))
SHAPES = (*GREY, *COLOUR, (9, 9, 1), (9, 9, 4), (5,))
TYPES = (np.uint8, np.uint8, np.uint8, np.uint8, np.int16, np.float32, np.float64, bool, np.uint16, object)
PLACES = st.one_of(
    st.integers(-2, 40).map(float), st.floats(-5, 5001), st.sampled_from([np.nan, np.inf, -np.inf, 1e38, -1e38, 1e-40])
)
TEXTS = st.one_of(st.none(), st.text(max_size=12), st.sampled_from(["liver", "", "\ud800", "a" * 5000, "\x00", "🫀"]))
SPOILT = ("own", "nan", "inf", "small")


@cache
def segmenter(family: str) -> Segmenter:
    """The family's mini network."""
    return adapters.load(f"{family}/mini")


SHARES = st.lists(st.floats(0, 1), min_size=4, max_size=4)


@st.composite
def hostile(draw: st.DrawFn, family: str) -> dict[str, Any]:
    """An image and what its prompt is made of; half of the draws are sound prompts that the family takes."""
    sound = draw(st.booleans())
    known = sorted(adapters.card(f"{family}/mini").accepts - {"auto"}) if sound else ["box", "mask", "points", "text"]
    kinds = draw(st.sets(st.sampled_from(known), min_size=int(sound and family != "segmote"), max_size=2))
    boxes = SHARES.map(sorted) if sound else st.lists(PLACES, min_size=4, max_size=4) | st.lists(PLACES, max_size=6)
    points = st.lists(st.tuples(*[st.floats(0, 1) if sound else PLACES] * 2), min_size=int(sound), max_size=4)
    labels = st.lists(st.integers(0, 1) if sound else st.integers(-1, 3), max_size=4)
    return {
        "sound": sound,
        "family": family,
        "shape": draw(st.sampled_from((*GREY[:4], *COLOUR) if sound else SHAPES)),
        "dtype": draw(st.sampled_from(TYPES[:1] if sound else TYPES)),
        "stride": draw(st.sampled_from([1, 1, 2, -1])),
        "seed": draw(st.integers(0, 99)),
        "box": draw(boxes) if "box" in kinds else None,
        "points": draw(points) if "points" in kinds else None,
        "labels": draw(labels),
        "text": draw(TEXTS) if "text" in kinds else None,
        "previous": draw(st.sampled_from(SPOILT[: 1 if sound else None])) if "mask" in kinds else None,
        "multimask": draw(st.sampled_from([None, True, False])),
    }


def attack(tally: Tally, case: dict[str, Any]) -> None:
    """Encode the image and decode the prompt."""
    tally.add(case["family"], lambda: _answered(case), (ValueError,))


def _answered(case: dict[str, Any]) -> bool:
    network = segmenter(case["family"])
    image = _image(case)
    encoded = network.encode([image])[0]
    scale = np.array(image.shape[1::-1] if case["sound"] else (1, 1), np.float32)
    points = None if case["points"] is None else _points(case["points"], case["labels"], scale)
    previous = None if case["previous"] is None else _previous(network, encoded, image, case["previous"])
    box = None if case["box"] is None else np.array(case["box"], np.float32)
    if case["sound"] and box is not None:
        box = _widened(box) * np.tile(scale, 2)
    prompt = Prompt(box=box, points=points, text=case["text"], previous=previous)
    (made,) = network.decode([(encoded, prompt)], multimask=case["multimask"])
    if tuple(made.mask.shape) != image.shape[:2] or made.mask.dtype != torch.bool:
        raise TypeError(f"mask {tuple(made.mask.shape)} {made.mask.dtype} of an image {image.shape}")
    if not torch.isfinite(made.logits).all():
        raise ArithmeticError("logits are not finite")
    return True


def _image(case: dict[str, Any]) -> Any:
    rng = np.random.default_rng(case["seed"])
    image = rng.integers(0, 256, case["shape"]).astype(case["dtype"])
    return image[:: case["stride"]] if image.ndim else image


def _widened(shares: Any) -> Any:
    """Corners as shares of the image, from four shares in order, that are no less than a tenth apart."""
    first, last = shares[:2] * 0.9, shares[2:]
    return np.concatenate([first, np.maximum(last, first + 0.1)]).astype(np.float32)


def _points(xy: list[tuple[float, float]], labels: list[int], scale: Any) -> Points:
    return Points(
        np.array(xy, np.float32).reshape(-1, 2) * scale, np.array((labels * 4)[: len(xy)] or [1] * len(xy), np.int8)
    )


def _previous(network: Segmenter, encoded: Any, image: Any, kind: str) -> torch.Tensor | None:
    """What the network handed back for a box over the whole image, or that with a value spoilt."""
    if kind == "small":
        return torch.zeros(1, 3, 3)
    height, width = image.shape[:2]
    (made,) = network.decode([(encoded, Prompt(box=np.array([0, 0, width, height], np.float32)))])
    if made.feedback is None or kind == "own":
        return made.feedback
    spoilt = made.feedback.clone()
    spoilt.view(-1)[0] = float(kind)
    return spoilt
