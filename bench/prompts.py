"""Simulated users: boxes and clicks drawn from target masks, each from its own seed."""

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import cc3d
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from adapters.interface import Card, Points, Prompt, PromptKind
from bench.data.case import Mask
from bench.protocols import ClickRule, Protocol

Click = tuple[float, float, int]  # x, y, label
OUTWARD = np.array([-1.0, -1.0, 1.0, 1.0])  # of x0, y0, x1, y1


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of simulated prompt.

    Attributes:
        draw: (target, protocol, generator) to the first prompt; None: the name of the target's class.
        needs: combinations of prompt kinds that a model meets, for `Card.was_trained_on`.
        text: for `bench ls prompts`.
        rounds: later rounds add clicks, as many as the run asks for.
        every_slice: slices without the target are asked for, too.
    """

    draw: Callable[[Mask, Protocol, np.random.Generator], Prompt] | None
    needs: tuple[frozenset[PromptKind], ...]
    text: str
    rounds: bool = False
    every_slice: bool = False


def generator(*key: object) -> np.random.Generator:
    """A random generator that depends on its key alone, on every machine and in every order."""
    digest = hashlib.sha256("|".join(map(str, key)).encode()).digest()
    return np.random.default_rng(int.from_bytes(digest[:8], "little"))


def components(mask: Mask) -> NDArray[np.integer]:
    """8-connected components of a (H, W) mask, numbered from 1 in raster order of their first pixel."""
    return cc3d.connected_components(np.ascontiguousarray(mask, np.uint8), connectivity=8)


def largest_component(mask: Mask) -> Mask:
    """The component with most pixels; of equals the first in raster order."""
    labels = components(mask)
    return labels == 1 + int(np.bincount(labels.ravel())[1:].argmax())


def box(target: Mask, protocol: Protocol, rng: np.random.Generator) -> Prompt:
    """The tightest box: x0, y0 of the first foreground column and row, x1, y1 of the last (or one past it)."""
    mask = largest_component(target) if protocol.component == "largest" else target
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    past = 0 if protocol.box_inclusive else 1
    corners = [columns[0], rows[0], columns[-1] + past, rows[-1] + past]
    return Prompt(box=np.asarray(corners, np.float32))


def box_jitter(target: Mask, protocol: Protocol, rng: np.random.Generator) -> Prompt:
    """The tight box with uniform noise by the protocol's rule, kept on the image and not inverted."""
    tight = np.asarray(box(target, protocol, rng).box, np.float64)
    reach = _reach(target, tight, protocol, protocol.jitter_fraction, protocol.jitter_px)
    if protocol.jitter == "shift":
        noise = np.tile(rng.uniform(-reach[:2], reach[:2]), 2)
    elif protocol.jitter == "outward":
        noise = rng.uniform(0, reach) * OUTWARD
    else:
        noise = rng.uniform(-reach, reach)
    return _on_image(tight + noise, target, protocol)


def box_loose(target: Mask, protocol: Protocol, rng: np.random.Generator) -> Prompt:
    """The tight box with each side moved outward by the protocol's fixed amount, kept on the image."""
    tight = np.asarray(box(target, protocol, rng).box, np.float64)
    reach = _reach(target, tight, protocol, protocol.loose_fraction, protocol.loose_px)
    return _on_image(tight + reach * OUTWARD, target, protocol)


def _reach(
    target: Mask, tight: NDArray[np.float64], protocol: Protocol, fraction: float | None, px: float
) -> NDArray[np.float64]:
    """How far x0, y0, x1, y1 may move."""
    frame = protocol.box_frame
    limit = np.full(2, px) if frame is None else px * np.array(target.shape[::-1]) / frame
    sides = np.array([tight[2] - tight[0], tight[3] - tight[1]])
    return np.tile(limit if fraction is None else np.minimum(fraction * sides, limit), 2)


def _on_image(corners: NDArray[np.float64], target: Mask, protocol: Protocol) -> Prompt:
    height, width = target.shape
    beyond = 1 if protocol.box_inclusive else 0
    moved = np.clip(corners, 0, np.array([width - beyond, height - beyond] * 2))
    ordered = np.concatenate([np.minimum(moved[:2], moved[2:]), np.maximum(moved[:2], moved[2:])])
    return Prompt(box=ordered.astype(np.float32))


def nothing(target: Mask, protocol: Protocol, rng: np.random.Generator) -> Prompt:
    """No prompt at all."""
    return Prompt()


def _depth(mask: Mask) -> NDArray[np.float64]:
    """Distance of each foreground pixel to what lies outside; so does all beyond the image border."""
    return ndimage.distance_transform_edt(np.pad(mask, 1))[1:-1, 1:-1]


def _deepest(depth: NDArray[np.float64]) -> tuple[int, int]:
    row, column = np.unravel_index(int(depth.argmax()), depth.shape)
    return int(column), int(row)


def centre(mask: Mask) -> tuple[int, int]:
    """(x, y) of the pixel of the largest component that is farthest from outside it; first in raster order.

    The image border counts as outside, so that the click stays away from it.
    """
    return _deepest(_depth(largest_component(mask)))


def _near_centroid(mask: Mask, rng: np.random.Generator) -> tuple[int, int]:
    rows, columns = np.nonzero(mask)
    distance = (rows - rows.mean()) ** 2 + (columns - columns.mean()) ** 2
    pick = int(rng.choice(np.argsort(distance, kind="stable")[: max(1, len(rows) // 2)]))
    return int(columns[pick]), int(rows[pick])


def _uniform(mask: Mask, rng: np.random.Generator) -> tuple[int, int]:
    rows, columns = np.nonzero(mask)
    pick = int(rng.integers(len(rows)))
    return int(columns[pick]), int(rows[pick])


def _centroid(mask: Mask) -> tuple[int, int]:
    rows, columns = np.nonzero(mask)
    return round(float(columns.mean())), round(float(rows.mean()))


FIRST_CLICK: dict[ClickRule, Callable[[Mask, np.random.Generator], tuple[int, int]]] = {
    "centre": lambda mask, rng: centre(mask),
    "ritm": lambda mask, rng: _deepest(_depth(mask)),
    "near-centroid": _near_centroid,
    "uniform": _uniform,
    "centroid": lambda mask, rng: _centroid(mask),
}


def click(target: Mask, protocol: Protocol, rng: np.random.Generator) -> Prompt:
    """One foreground click by the protocol's rule, at a pixel's own coordinates."""
    x, y = FIRST_CLICK[protocol.click](target, rng)
    return with_clicks(Prompt(), [(x, y, 1)])


def next_click(
    target: Mask, predicted: Mask, protocol: Protocol, rng: np.random.Generator, clicked: Sequence[Click] = ()
) -> Click | None:
    """Where a user would correct: positive on a missed part, negative on a false one.

    Args:
        target, predicted: (H, W) bool.
        protocol: its click rule.
        rng: of this round.
        clicked: the clicks so far; only the rule "ritm" heeds them.

    Returns:
        None if nothing is wrong, or nothing that was not clicked before.
    """
    error = target != predicted
    if not error.any():
        return None
    missed, false = target & ~predicted, predicted & ~target
    if protocol.click == "ritm":
        return _deepest_error(missed, false, clicked)
    if protocol.click in ("near-centroid", "uniform"):
        x, y = _uniform(error, rng)
    else:
        parts = [largest_component(part) for part in (missed, false) if part.any()]
        x, y = centre(max(parts, key=np.count_nonzero))  # a missed part wins a tie: max keeps the first
    return x, y, int(target[y, x])


def _deepest_error(missed: Mask, false: Mask, clicked: Sequence[Click]) -> Click | None:
    depths = [_depth(part) for part in (missed, false)]
    for depth in depths:
        for x, y, _ in clicked:
            depth[int(y), int(x)] = 0
    positive = depths[0].max() > depths[1].max()  # a false part wins a tie, as in the original
    deepest = depths[0] if positive else depths[1]
    return (*_deepest(deepest), int(positive)) if deepest.any() else None


def with_clicks(prompt: Prompt, clicks: Sequence[Click], previous: object = None) -> Prompt:
    """The prompt with these clicks as its points, and the last round's feedback."""
    points = Points(np.array([(x, y) for x, y, _ in clicks], np.float32), np.array([label for *_, label in clicks]))
    return Prompt(box=prompt.box, points=points, text=prompt.text, previous=previous)  # type: ignore[arg-type]


_BOX: frozenset[PromptKind] = frozenset({"box"})
_POINTS: frozenset[PromptKind] = frozenset({"points"})
_ROUNDS: frozenset[PromptKind] = frozenset({"points", "mask"})
_BOX_ROUNDS: frozenset[PromptKind] = frozenset({"box", "points", "mask"})
_TEXT: frozenset[PromptKind] = frozenset({"text"})
_AUTO: frozenset[PromptKind] = frozenset({"auto"})

KINDS: dict[str, Kind] = {
    "box": Kind(box, (_BOX,), "tight box of the target"),
    "box-jitter": Kind(box_jitter, (_BOX,), "tight box with uniform noise on each coordinate"),
    "box-loose": Kind(box_loose, (_BOX,), "tight box with every side moved outward by a fixed amount"),
    "click": Kind(click, (_POINTS,), "one foreground click"),
    "clicks": Kind(click, (_POINTS, _ROUNDS), "clicks on the largest error, previous logits fed back", rounds=True),
    "box+clicks": Kind(
        box, (_BOX, _BOX_ROUNDS), "tight box, then in each further round a click on the largest error", rounds=True
    ),
    "text": Kind(None, (_TEXT,), "the name of the target's class"),
    "auto": Kind(
        nothing,
        (_AUTO,),
        "no prompt at all, on all slices of a volume, also those without the target",
        every_slice=True,
    ),
}


def round_name(kind: str, number: int) -> str:
    """What a user has given after so many rounds.

    Example:
        >>> round_name("clicks", 2), round_name("box+clicks", 2)
        ('2 clicks', 'box + 1 click')
    """
    clicks = number - 1 if KINDS[kind].draw is box else number
    text = f"{clicks} click{'s' * (clicks > 1)}"
    if clicks == number:
        return text
    return f"box + {text}" if clicks else "box"


def load(name: str) -> Kind:
    """The prompt kind of that name.

    Raises:
        ValueError: there is none.
    """
    if name not in KINDS:
        raise ValueError(f"unknown prompt {name!r}; there are {', '.join(KINDS)}")
    return KINDS[name]


def on_every_slice(kinds: Iterable[str]) -> bool:
    """True if one of these kinds also asks for slices without the target."""
    return any(KINDS[kind].every_slice for kind in kinds)


def applies(card: Card, kind: str, untrained: bool) -> str | None:
    """None if the model may be asked this way, else the reason for its n/a.

    Args:
        card: of the model.
        kind: name of the prompt kind.
        untrained: also allow prompts that the network can take but never saw in training.
    """
    needs = KINDS[kind].needs
    refused = frozenset().union(*needs) - card.accepts - {"mask"}  # without a mask input, rounds go on by clicks alone
    if refused:
        return f"cannot take {', '.join(sorted(refused))} prompts"
    if untrained or all(card.was_trained_on(need) for need in needs):
        return None
    return f"not trained on {kind} prompts"
