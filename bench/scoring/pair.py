"""The scores of one target and one prediction, under the scoring rules of a protocol."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import isnan

import numpy as np

from bench.data.case import Mask
from bench.protocols import Protocol
from bench.scoring.empty import settle
from bench.scoring.metrics import OVERLAPS, Areas, areas, nsd_name
from bench.scoring.packed import PackedMask, pack
from bench.scoring.surface import ImagePart, Surface, diagonal_mm, distances, surface

DISTANCES = ("hd95", "assd")
UNDEFINED = (float("nan"), "undefined")
FAILED = (float("nan"), "failed")
SKIPPED = (float("nan"), "skipped")

Scored = tuple[float, str]  # value and status


@dataclass(frozen=True, eq=False)
class Target:
    """The reference of one slice or volume; packed, with its surface, once for all predictions it is compared with.

    Attributes:
        mask: (H, W) or (K, H, W) bool.
        spacing_mm: along the mask's axes; None where a run did not keep it, so that distances are undefined.
        part: of which image the mask and all predictions are a part, None for the whole image.
    """

    mask: Mask
    spacing_mm: Sequence[float] | None
    part: ImagePart | None = None

    @cached_property
    def packed(self) -> PackedMask:
        """Its mask packed to bits."""
        return pack(self.mask)

    @cached_property
    def surface_mm(self) -> Surface:
        """Its surface at its spacing."""
        return surface(self.mask, self.spacing_mm or (), self.part)

    @cached_property
    def surface_px(self) -> Surface:
        """Its surface with pixels or voxels of side 1."""
        return surface(self.mask, (1.0,) * self.mask.ndim, self.part)


def names(protocol: Protocol) -> list[str]:
    """The metrics of every pair."""
    unit = protocol.distance_unit
    return [
        *OVERLAPS,
        nsd_name(protocol.tolerance, unit),
        *(name if unit == "mm" else f"{name}_px" for name in DISTANCES),
    ]


def scores(target: Target, predicted: Mask, protocol: Protocol) -> dict[str, Scored]:
    """Overlaps and distances of a pair.

    HD95 and ASSD are the diagonal of the image where exactly one mask is empty, and undefined where both are.

    Args:
        target: the reference.
        predicted: on the same grid.
        protocol: its empty rule, tolerance and unit of distance.
    """
    counted = areas(target.packed, predicted)
    values = [overlap(counted) for overlap in OVERLAPS.values()]
    made: list[Scored] = [settle(value, counted, protocol.empty_rule) for value in values]
    return dict(zip(names(protocol), [*made, *_distances(target, predicted, counted, protocol)], strict=True))


def _distances(target: Target, predicted: Mask, counted: Areas, protocol: Protocol) -> tuple[Scored, Scored, Scored]:
    if protocol.distance_unit == "mm" and target.spacing_mm is None:
        return UNDEFINED, UNDEFINED, UNDEFINED
    one = target.surface_mm if protocol.distance_unit == "mm" else target.surface_px
    found = distances(one, surface(predicted, one.spacing_mm, target.part))
    if protocol.empty_rule == "skip" and not counted.target:
        return settle(float("nan"), counted, "skip"), SKIPPED, SKIPPED
    farthest = diagonal_mm(one.shape, one.spacing_mm)
    nsd = settle(found.nsd(protocol.tolerance), counted, protocol.empty_rule)
    return nsd, defined(found.hd95(farthest)), defined(found.assd(farthest))


@dataclass(frozen=True, eq=False)
class Candidate:
    """One of the masks that a model proposed.

    Attributes:
        mask: (H, W) bool.
        score: the model's own, None if it has none.
        number: its place among the candidates.
    """

    mask: Mask
    score: float | None
    number: int

    @cached_property
    def packed(self) -> PackedMask:
        """Its mask packed to bits."""
        return pack(self.mask)


def oracle(target: Target, candidates: Sequence[Candidate]) -> Candidate:
    """The candidate with the best Dice, an oracle that no user has; the first among equals."""
    dice = [OVERLAPS["dice"](areas(target.packed, one.packed)) for one in candidates]
    return candidates[int(np.argmax(np.nan_to_num(dice, nan=-1.0)))]


def choice_scores(target: Target, own: Candidate, others: Sequence[Candidate], protocol: Protocol) -> dict[str, Scored]:
    """The model's choice compared with the best of its candidates.

    Args:
        target: the reference.
        own: the model's choice.
        others: the candidates that it did not choose; if there are none, only its score is recorded.
        protocol: its empty rule.
    """
    made = {"predicted_iou": defined(float("nan") if own.score is None else own.score)}
    if not others:
        return made
    counted = {one.number: areas(target.packed, one.packed) for one in (own, *others)}
    for name, overlap in OVERLAPS.items():
        settled = {number: settle(overlap(pair), pair, protocol.empty_rule) for number, pair in counted.items()}
        made[f"oracle_{name}"] = _best(settled)
    chosen = settle(OVERLAPS["iou"](counted[own.number]), counted[own.number], protocol.empty_rule)
    best, status = made["oracle_iou"]
    return made | {"regret": (best - chosen[0], status) if chosen[1] == "ok" else chosen}


def _best(settled: Mapping[int, Scored]) -> Scored:
    known = [one for one in settled.values() if one[1] == "ok"]
    return max(known) if known else next(iter(settled.values()))


def defined(value: float) -> Scored:
    """A value with its status."""
    return (value, "undefined" if isnan(value) else "ok")
