"""Slices stacked to volumes."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

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


def stack(masks: Iterable[tuple[int, Mask]], grid: VolumeGrid) -> Mask:
    """The union of masks, each in its slice; slices without one are empty.

    Args:
        masks: pairs of slice and (H, W) bool, taken one after another.
        grid: of the volume.
    """
    volume = np.zeros(grid.shape, bool)
    planes = volume if volume.ndim == 3 else volume[None]
    for index, mask in masks:
        planes[index - grid.first] |= mask
    return volume
