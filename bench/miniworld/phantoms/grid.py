"""The pixels or voxels on which shapes are sampled."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.miniworld.phantoms.geometry import Bounds, Field


@dataclass(frozen=True, slots=True, eq=False)
class SamplingGrid:
    """Pixels or voxels and where they lie.

    Attributes:
        shape: number of samples along each of D axes.
        affine: (D + 1, D + 1) from indices to the coordinates of the shapes.
        slabs: positions within a voxel along its longest axis that are averaged (thick slices).
    """

    shape: tuple[int, ...]
    affine: NDArray[np.float64]
    slabs: int = 1

    @classmethod
    def picture(cls, height: int, width: int) -> "SamplingGrid":
        """Centred 2-D frame: x to the right, y down, 100 units are half the shorter side."""
        unit = 200 / min(height, width)
        across, down = -(width - 1) / 2 * unit, -(height - 1) / 2 * unit
        return cls((height, width), np.array([[0, unit, across], [unit, 0, down], [0, 0, 1]]))

    @property
    def spacing(self) -> NDArray[np.float64]:
        """(D,) length of a step along each axis."""
        steps: NDArray[np.float64] = np.linalg.norm(self.affine[:-1, :-1], axis=0)
        return steps

    @property
    def sharpness(self) -> float:
        """Width of a pixel's edge: the mean spacing without the axis that `slabs` averages."""
        spacing = np.sort(self.spacing)
        return float(spacing[:-1].mean() if self.slabs > 1 else spacing.mean())

    def window(self, bounds: Bounds) -> tuple[slice, ...]:
        """Index ranges that hold a box; empty ranges where the box lies outside."""
        lower, upper = bounds
        inverse = np.linalg.inv(self.affine)
        centre = inverse[:-1, :-1] @ (lower + upper) / 2 + inverse[:-1, -1]
        reach = np.abs(inverse[:-1, :-1]) @ (upper - lower) / 2
        first = np.clip(np.floor(centre - reach) - 1, 0, self.shape).astype(int)
        last = np.clip(np.ceil(centre + reach) + 2, first, self.shape).astype(int)
        return tuple(slice(int(a), int(b)) for a, b in zip(first, last, strict=True))

    def points(self, window: tuple[slice, ...], shift: float = 0.0) -> Field:
        """Coordinates (D, N) of a window's samples, moved by `shift` voxels along the longest axis."""
        axes = [np.arange(part.start, part.stop, dtype=np.float64) for part in window]
        axes[int(np.argmax(self.spacing))] += shift
        rows = [
            sum(np.ix_(*(axis * step for axis, step in zip(axes, row, strict=True))), start=np.float64(offset))
            for row, offset in zip(self.affine[:-1, :-1], self.affine[:-1, -1], strict=True)
        ]
        return np.stack([row.ravel() for row in rows]).astype(np.float32)

    @property
    def shifts(self) -> list[float]:
        """Where within a voxel, in voxels from its centre, the slabs lie."""
        return [(slab + 0.5) / self.slabs - 0.5 for slab in range(self.slabs)]
