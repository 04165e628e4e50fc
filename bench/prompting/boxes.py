"""Boxes around a target: tight, with noise, or enlarged."""

import numpy as np
from numpy.typing import NDArray

from bench.data.case import Mask
from bench.prompting.components import largest_component
from bench.prompting.prompt import SimulatedPrompt
from bench.protocols import Protocol

OUTWARD = np.array([-1.0, -1.0, 1.0, 1.0])  # of x0, y0, x1, y1


def box(target: Mask, protocol: Protocol, rng: np.random.Generator) -> SimulatedPrompt:
    """The tightest box: x0, y0 of the first foreground column and row, x1, y1 of the last (or one past it)."""
    mask = largest_component(target) if protocol.component == "largest" else target
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    past = 0 if protocol.box_inclusive else 1
    corners = [columns[0], rows[0], columns[-1] + past, rows[-1] + past]
    return SimulatedPrompt(box=np.asarray(corners, np.float32))


def box_jitter(target: Mask, protocol: Protocol, rng: np.random.Generator) -> SimulatedPrompt:
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


def box_loose(target: Mask, protocol: Protocol, rng: np.random.Generator) -> SimulatedPrompt:
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


def _on_image(corners: NDArray[np.float64], target: Mask, protocol: Protocol) -> SimulatedPrompt:
    height, width = target.shape
    beyond = 1 if protocol.box_inclusive else 0
    moved = np.clip(corners, 0, np.array([width - beyond, height - beyond] * 2))
    ordered = np.concatenate([np.minimum(moved[:2], moved[2:]), np.maximum(moved[:2], moved[2:])])
    return SimulatedPrompt(box=ordered.astype(np.float32))
