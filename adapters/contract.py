"""What every model behind the interface must do, whatever it is, as checks that can be run on any of them.

`bench check model NAME` runs them on a model of another package; the tests of this one run them on its own.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import torch

from adapters.interface import Image, Points, Prediction, Prompt, PromptKind, Segmenter, UnsupportedPrompt

HEIGHT, WIDTH = 48, 90
SIZES = ((5, 7), (1, 1), (1, 40), (400, 30))
LEVEL_NOISE, MASK_NOISE = 2e-5, 1e-3  # of float sums in another order


class BrokenContract(AssertionError):  # noqa: N818
    """A model does not do what the interface promises; the text says what it did."""


def require(kept: bool, text: str) -> None:
    """Refuse what breaks the contract.

    Raises:
        BrokenContract: with this text, unless `kept`.
    """
    if not kept:
        raise BrokenContract(text)


def image(height: int = HEIGHT, width: int = WIDTH) -> Image:
    """A bright disc right of and above the middle on a dark, noisy ground, (height, width, 3) uint8."""
    y, x = np.mgrid[:height, :width]
    disc = np.hypot(x - 69 * width / 90, y - 16 * height / 48) < 10
    noise = np.random.default_rng(0).integers(0, 40, (height, width, 3))
    picture: Image = (noise + 180 * disc[..., None]).astype(np.uint8)
    return picture


def box(x0: float, y0: float, x1: float, y1: float) -> Prompt:
    """A box alone."""
    return Prompt(box=np.array([x0, y0, x1, y1], np.float32))


def _asked(segmenter: Segmenter, height: int = HEIGHT, width: int = WIDTH) -> Prompt:
    """A prompt that the model takes, on the disc of an image of this size: a box if it takes boxes."""
    across, down = width / 90, height / 48
    offered: dict[PromptKind, Prompt] = {
        "box": box(58 * across, 6 * down, 80 * across, 26 * down),
        "points": Prompt(points=Points(np.array([[69 * across, 16 * down]], np.float32), np.array([1], np.int8))),
        "text": Prompt(text="disc"),
        "auto": Prompt(),
    }
    known = [prompt for kind, prompt in offered.items() if kind in segmenter.card.accepts]
    require(bool(known), f"the card accepts {sorted(segmenter.card.accepts)}, with which nothing can be asked first")
    return known[0]


def _drawn(segmenter: Segmenter, picture: Image, prompt: Prompt | None = None) -> Prediction:
    [encoded] = segmenter.encode([picture])
    [prediction] = segmenter.decode([(encoded, prompt or _asked(segmenter, *picture.shape[:2]))])
    return prediction


def require_same(first: Prediction, second: Prediction) -> None:
    """Refuse predictions that differ by more than the noise of float sums in another order.

    Raises:
        BrokenContract: they do.
    """
    one, other = first.candidate_logits, second.candidate_logits
    require(one.shape == other.shape, f"candidates of shape {tuple(one.shape)} and {tuple(other.shape)}")
    noise = LEVEL_NOISE * max(1.0, one.abs().max().item())
    require(bool(((one - other).abs() <= noise).all()), f"logits differ by {(one - other).abs().max().item():.3g}")
    scores = torch.isclose(first.candidate_scores, second.candidate_scores, 0, LEVEL_NOISE, equal_nan=True)
    require(bool(scores.all()), f"scores {first.candidate_scores.tolist()} and {second.candidate_scores.tolist()}")
    require(first.selected == second.selected, f"candidates {first.selected} and {second.selected} are selected")
    moved = (first.mask != second.mask).float().mean().item()
    require(moved <= MASK_NOISE, f"{moved:.2%} of the mask's pixels differ")


def parameters_are_those_of_the_card(segmenter: Segmenter) -> None:
    """The card counts the network's parameters."""
    count = sum(parameter.numel() for parameter in segmenter.network.parameters())
    require(segmenter.card.parameters == count, f"the card says {segmenter.card.parameters}, the network has {count}")


def shapes_and_types(segmenter: Segmenter) -> None:
    """Masks are bool on the original grid, logits float32, and what is selected is what the mask shows."""
    [encoded] = segmenter.encode([image()])
    [found] = segmenter.decode([(encoded, _asked(segmenter))])
    candidates, *low = found.candidate_logits.shape
    require(tuple(found.mask.shape) == (HEIGHT, WIDTH), f"mask of {tuple(found.mask.shape)}, image of {HEIGHT, WIDTH}")
    require(found.mask.dtype == torch.bool, f"mask of {found.mask.dtype}, expected bool")
    require(found.logits.shape == tuple(low), f"logits of {tuple(found.logits.shape)}, candidates of {tuple(low)}")
    scores = tuple(found.candidate_scores.shape)
    require(scores == (candidates,), f"scores of shape {scores} for {candidates} candidates")
    kinds = {found.candidate_logits.dtype, found.candidate_scores.dtype}
    require(kinds == {torch.float32}, f"logits and scores of {kinds}, expected float32")
    selected = torch.equal(found.logits, found.candidate_logits[found.selected])
    require(selected, "the logits are not those of the selected candidate")
    require(isinstance(found.score, float), f"the score is {type(found.score).__name__}, expected float")
    require(not found.logits.requires_grad, "logits ask for gradients; decode under torch.no_grad")
    require(not segmenter.network.training, "the network is in training mode; call eval()")
    shown = segmenter.masks(encoded, found.candidate_logits)[found.selected]
    require(torch.equal(shown, found.mask), "masks() draws another mask than decode()")


def prompts_move_the_mask(segmenter: Segmenter) -> None:
    """Another box gives other logits."""
    if "box" in segmenter.card.accepts:
        first, second = _drawn(segmenter, image()), _drawn(segmenter, image(), box(2, 20, 30, 46))
        require(not torch.equal(first.logits, second.logits), "two boxes far apart give the same logits")


def images_of_odd_sizes(segmenter: Segmenter) -> None:
    """One pixel, one line and long strips are drawn on their own grid."""
    for height, width in SIZES:
        whole = box(0, 0, width, height) if "box" in segmenter.card.accepts else None
        shape = tuple(_drawn(segmenter, image(height, width), whole).mask.shape)
        require(shape == (height, width), f"mask of {shape} for an image of {height, width}")


def grey_is_the_same_as_three_equal_channels(segmenter: Segmenter) -> None:
    """(H, W) and (H, W, 3) of equal channels."""
    grey = image()[..., 0]
    require_same(_drawn(segmenter, grey), _drawn(segmenter, np.stack([grey] * 3, axis=2)))


def images_without_contrast(segmenter: Segmenter) -> None:
    """Black, grey and white pictures give finite logits."""
    for value in (0, 128, 255):
        logits = _drawn(segmenter, np.full((HEIGHT, WIDTH), value, np.uint8)).candidate_logits
        require(bool(logits.isfinite().all()), f"logits that are not finite on a picture of {value} alone")


def bad_images_are_refused(segmenter: Segmenter) -> None:
    """A picture of floats is a ValueError that names its type."""
    _refused(lambda: segmenter.encode([image() / 255]), ValueError, "float64")  # type: ignore[list-item]


def unsupported_prompts_are_refused(segmenter: Segmenter) -> None:
    """Prompts that the card does not accept are an UnsupportedPrompt that names the model."""
    [encoded] = segmenter.encode([image()])
    offered: dict[PromptKind, Prompt] = {
        "box": box(58, 6, 80, 26),
        "points": Prompt(points=Points(np.array([[69, 16]], np.float32), np.array([1], np.int8))),
        "mask": Prompt(previous=torch.zeros(1, 8, 8)),
        "text": Prompt(text="disc"),
        "auto": Prompt(),
    }
    for kind, prompt in offered.items():
        if kind not in segmenter.card.accepts:
            _refused(partial(segmenter.decode, [(encoded, prompt)]), UnsupportedPrompt, segmenter.card.name)


def bad_boxes_are_refused(segmenter: Segmenter) -> None:
    """A box outside its image is a ValueError that names the image's size."""
    if "box" in segmenter.card.accepts:
        [encoded] = segmenter.encode([image()])
        outside = [(encoded, _asked(segmenter)), (encoded, box(0, 0, HEIGHT, WIDTH))]
        _refused(lambda: segmenter.decode(outside), ValueError, f"width {WIDTH} and height {HEIGHT}")


def _refused(call: Callable[[], Any], error: type[Exception], text: str) -> None:
    try:
        call()
    except error as found:
        require(text in str(found), f"{error.__name__} does not say {text!r}: {found}")
        return
    raise BrokenContract(f"no {error.__name__} that says {text!r}")


def nothing_asked_nothing_answered(segmenter: Segmenter) -> None:
    """No images and no requests give empty lists."""
    require(segmenter.encode([]) == [] and segmenter.decode([]) == [], "something comes of nothing")


def decoding_twice_gives_the_same(segmenter: Segmenter) -> None:
    """To the last bit, also after another image was encoded: there is no hidden state."""
    [encoded] = segmenter.encode([image()])
    [first] = segmenter.decode([(encoded, _asked(segmenter))])
    segmenter.encode([image(30, 200)[:, ::-1].copy()])
    [second] = segmenter.decode([(encoded, _asked(segmenter))])
    same = torch.equal(first.mask, second.mask) and torch.equal(first.candidate_logits, second.candidate_logits)
    require(same, "the same request gives another answer the second time")


def views_and_read_only_images(segmenter: Segmenter) -> None:
    """Mirrored views and locked arrays are taken, and the caller's image is not changed."""
    mirrored = image()[:, ::-1]
    locked = mirrored.copy()
    locked.flags.writeable = False
    require_same(_drawn(segmenter, mirrored), _drawn(segmenter, locked))
    require(np.array_equal(mirrored, image()[:, ::-1]), "encode changes the caller's image")


def different_images_together_are_like_one_by_one(segmenter: Segmenter) -> None:
    """Batches do not change results beyond the noise of float sums."""
    pictures = [image(), image(60, 40), image(33, 100)[::-1].copy()]
    prompts = [_asked(segmenter, *picture.shape[:2]) for picture in pictures]
    together = segmenter.decode(list(zip(segmenter.encode(pictures), prompts, strict=True)))
    for found, picture, prompt in zip(together, pictures, prompts, strict=True):
        require_same(found, _drawn(segmenter, picture, prompt))


def feedback_goes_back_in(segmenter: Segmenter) -> None:
    """What a prediction gives as feedback is taken as the previous mask, if the card accepts one."""
    if "mask" not in segmenter.card.accepts:
        return
    asked = _asked(segmenter)
    feedback = _drawn(segmenter, image()).feedback
    require(feedback is not None, "the card accepts previous masks, and the prediction has no feedback")
    logits = _drawn(segmenter, image(), replace(asked, previous=feedback)).candidate_logits
    require(bool(logits.isfinite().all()), "logits that are not finite after feedback")


CHECKS: Mapping[str, Callable[[Segmenter], None]] = {
    check.__name__: check
    for check in (
        parameters_are_those_of_the_card, shapes_and_types, prompts_move_the_mask, images_of_odd_sizes,
        grey_is_the_same_as_three_equal_channels, images_without_contrast, bad_images_are_refused,
        unsupported_prompts_are_refused, bad_boxes_are_refused, nothing_asked_nothing_answered,
        decoding_twice_gives_the_same, views_and_read_only_images, different_images_together_are_like_one_by_one,
        feedback_goes_back_in,
    )
}  # fmt: skip


def broken(segmenter: Segmenter, checks: Sequence[str] = tuple(CHECKS)) -> dict[str, str | None]:
    """The contract checks with what is wrong with a model, None where nothing is.

    Args:
        segmenter: the model.
        checks: names of `CHECKS`.
    """
    found: dict[str, str | None] = dict.fromkeys(checks)
    for name in checks:
        try:
            CHECKS[name](segmenter)
        except BrokenContract as error:
            found[name] = str(error)
        except Exception as error:  # whatever a model raises breaks this check, and the others go on
            found[name] = f"{type(error).__name__}: {error}"
    return found
