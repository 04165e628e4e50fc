"""Simulated users: boxes and clicks drawn from target masks, each from its own seed."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cc3d
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from adapters.interface import Card, Points, Prompt, PromptKind
from bench.cases import Mask
from bench.protocols import Protocol

Click = tuple[float, float, int]  # x, y, label


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of simulated prompt.

    Attributes:
        draw: (target, protocol, generator) to the first prompt; None: the name of the target's class.
        needs: combinations of prompt kinds that a model meets, for `Card.was_trained_on`.
        text: for `bench ls prompts`.
    """

    draw: Callable[[Mask, Protocol, np.random.Generator], Prompt] | None
    needs: tuple[frozenset[PromptKind], ...]
    text: str
    rounds: bool = False


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
    """The tight box with each coordinate moved by its own uniform noise, kept on the image and not inverted."""
    x0, y0, x1, y1 = tight = np.asarray(box(target, protocol, rng).box, np.float64)
    width_px, height_px = x1 - x0, y1 - y0
    reach = np.minimum(protocol.jitter_fraction * np.array([width_px, height_px] * 2), protocol.jitter_px)
    moved = tight + rng.uniform(-reach, reach)
    height, width = target.shape
    beyond = 1 if protocol.box_inclusive else 0
    moved = np.clip(moved, 0, np.array([width - beyond, height - beyond] * 2))
    corners = np.concatenate([np.minimum(moved[:2], moved[2:]), np.maximum(moved[:2], moved[2:])])
    return Prompt(box=corners.astype(np.float32))


def centre(mask: Mask) -> tuple[int, int]:
    """(x, y) of the pixel of the largest component that is farthest from outside it; first in raster order.

    The image border counts as outside, so that the click stays away from it.
    """
    padded = np.pad(largest_component(mask), 1)
    distance = ndimage.distance_transform_edt(padded)[1:-1, 1:-1]
    row, column = np.unravel_index(int(distance.argmax()), distance.shape)
    return int(column), int(row)


def _near_centroid(mask: Mask, rng: np.random.Generator) -> tuple[int, int]:
    rows, columns = np.nonzero(mask)
    distance = (rows - rows.mean()) ** 2 + (columns - columns.mean()) ** 2
    pick = int(rng.choice(np.argsort(distance, kind="stable")[: max(1, len(rows) // 2)]))
    return int(columns[pick]), int(rows[pick])


def click(target: Mask, protocol: Protocol, rng: np.random.Generator) -> Prompt:
    """One foreground click by the protocol's rule, at a pixel's own coordinates."""
    x, y = centre(target) if protocol.click == "centre" else _near_centroid(target, rng)
    return with_clicks(Prompt(), [(x, y, 1)])


def next_click(target: Mask, predicted: Mask, protocol: Protocol, rng: np.random.Generator) -> Click | None:
    """Where a user would correct: positive on a missed part, negative on a false one; None if nothing is wrong."""
    error = target != predicted
    if not error.any():
        return None
    if protocol.click == "random":
        rows, columns = np.nonzero(error)
        pick = int(rng.integers(len(rows)))
        x, y = int(columns[pick]), int(rows[pick])
    else:
        missed, false = target & ~predicted, predicted & ~target
        parts = [largest_component(part) for part in (missed, false) if part.any()]
        x, y = centre(max(parts, key=np.count_nonzero))  # a missed part wins a tie: max keeps the first
    return x, y, int(target[y, x])


def with_clicks(prompt: Prompt, clicks: Sequence[Click], previous: object = None) -> Prompt:
    """The prompt with these clicks as its points, and the last round's feedback."""
    points = Points(np.array([(x, y) for x, y, _ in clicks], np.float32), np.array([label for *_, label in clicks]))
    return Prompt(box=prompt.box, points=points, text=prompt.text, previous=previous)  # type: ignore[arg-type]


_BOX: frozenset[PromptKind] = frozenset({"box"})
_POINTS: frozenset[PromptKind] = frozenset({"points"})
_ROUNDS: frozenset[PromptKind] = frozenset({"points", "mask"})
_TEXT: frozenset[PromptKind] = frozenset({"text"})

KINDS: dict[str, Kind] = {
    "box": Kind(box, (_BOX,), "tight box of the target"),
    "box-jitter": Kind(box_jitter, (_BOX,), "tight box with uniform noise on each coordinate"),
    "click": Kind(click, (_POINTS,), "one foreground click"),
    "clicks": Kind(click, (_POINTS, _ROUNDS), "clicks on the largest error, previous logits fed back", rounds=True),
    "text": Kind(None, (_TEXT,), "the name of the target's class"),
}


def load(name: str) -> Kind:
    """The prompt kind of that name.

    Raises:
        ValueError: there is none.
    """
    if name not in KINDS:
        raise ValueError(f"unknown prompt {name!r}; there are {', '.join(KINDS)}")
    return KINDS[name]


def applies(card: Card, kind: str, untrained: bool) -> str | None:
    """None if the model may be asked this way, else the reason for its n/a.

    Args:
        card: of the model.
        kind: name of the prompt kind.
        untrained: also allow prompts that the network can take but never saw in training.
    """
    needs = KINDS[kind].needs
    refused = frozenset().union(*needs[:1]) - card.accepts
    if refused:
        return f"cannot take {', '.join(sorted(refused))} prompts"
    if untrained or all(card.was_trained_on(need) for need in needs):
        return None
    return f"not trained on {kind} prompts"
