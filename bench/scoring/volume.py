"""Slices stacked to volumes."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from bench.data.bounding_box import Box, bounding_box
from bench.data.case import Mask


@dataclass(frozen=True, slots=True)
class VolumeGrid:
    """The grid of a stacked volume.

    Attributes:
        shape: (K, H, W), or (H, W) of a picture.
        spacing_mm: along these axes; None where the run did not keep the distance of its slices.
        first: index of the first of the K slices.
    """

    shape: tuple[int, ...]
    spacing_mm: tuple[float, ...] | None
    first: int


def grid(entries: Sequence[Mapping[str, Any]], plane: tuple[int, int]) -> VolumeGrid:
    """The grid that holds all slices of a case's targets.

    Args:
        entries: the index of the targets' shard.
        plane: (H, W) of a slice.
    """
    facts = entries[0]
    rows_mm, columns_mm = facts["spacing_mm"]
    if "slices" not in facts:  # written before the third axis was kept
        indices = [entry["slice"] for entry in entries]
        return VolumeGrid((max(indices) - min(indices) + 1, *plane), None, min(indices))
    if facts["slice_mm"] is None:
        return VolumeGrid(plane, (rows_mm, columns_mm), 0)
    return VolumeGrid((facts["slices"], *plane), (facts["slice_mm"], rows_mm, columns_mm), 0)


def box_around(masks: Iterable[tuple[int, Mask]], grid: VolumeGrid) -> Box:
    """The smallest part of the volume that holds all foreground of these masks; a picture is never cut.

    Args:
        masks: pairs of slice and (H, W) bool, taken one after another.
        grid: of the volume.
    """
    if len(grid.shape) == 2:
        return tuple(slice(0, side) for side in grid.shape)
    found = [(slice(index - grid.first, index - grid.first + 1), *bounding_box(mask)) for index, mask in masks]
    found = [box for box in found if box[1].stop > box[1].start]
    if not found:
        return (slice(0, 0),) * 3
    sides = zip(*found, strict=True)
    return tuple(slice(min(one.start for one in side), max(one.stop for one in side)) for side in sides)


def stack(masks: Iterable[tuple[int, Mask]], grid: VolumeGrid, box: Box | None = None) -> Mask:
    """The union of masks, each in its slice; slices without one are empty.

    Args:
        masks: pairs of slice and (H, W) bool, taken one after another; no foreground lies outside of the box.
        grid: of the volume.
        box: the part of the volume that is wanted, None for all of it.
    """
    sides = box or tuple(slice(0, side) for side in grid.shape)
    volume = np.zeros([side.stop - side.start for side in sides], bool)
    planes, within = (volume, sides[1:]) if volume.ndim == 3 else (volume[None], sides)
    first = grid.first + (sides[0].start if volume.ndim == 3 else 0)
    for index, mask in masks:
        if box is None or 0 <= index - first < len(planes):  # the slices beside the box hold nothing
            planes[index - first] |= mask[within]
    return volume
