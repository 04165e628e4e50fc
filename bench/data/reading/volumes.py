"""Volumes in LPS order: back to the order of their file, held against each other, put on another grid."""

import itertools
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bench.data.case import DataError, ScanHeader
from bench.data.reading.opening import place

GRID_TOLERANCE = 0.1  # of the smallest voxel side, at the corner of the volume that moves most

Affine = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Volume:
    """A 3-D image in LPS order.

    Attributes:
        path: the file, for messages.
        voxels: (I, J, K), finite; i grows to the patient's left, j to posterior, k to superior. A view in the file's
            memory order, in which the planes a scanner made lie together.
        spacing_mm: voxel size along i, j, k, from the header's zooms, with the digits that a float32 header holds.
        affine: (4, 4) from voxel indices to RAS millimetres; its columns have the lengths `spacing_mm`.
        turn: (3, 2) orientation transform of nibabel that brought the stored voxels to LPS order.
        warnings: what was odd about the file, each one sentence.
        header: where the file stores its voxels, to write masks for it; None if it was not read from a file.
    """

    path: Path
    voxels: NDArray[Any]
    spacing_mm: tuple[float, float, float]
    affine: Affine
    turn: NDArray[Any]
    warnings: tuple[str, ...]
    header: ScanHeader | None = None

    @property
    def stored(self) -> NDArray[Any]:
        """The voxels in the order of the file."""
        return stored_order(self.voxels, self.turn)


def stored_order(voxels: NDArray[Any], turn: ArrayLike) -> NDArray[Any]:
    """LPS voxels turned back to the order of their file.

    Args:
        voxels: (I, J, K) in LPS order.
        turn: (3, 2) orientation transform of nibabel that brought the file's voxels to LPS order.
    """
    axes, flips = np.asarray(turn, int).T
    back = np.stack([np.argsort(axes), flips[np.argsort(axes)]], axis=1)
    return turned(voxels, back)


def turned(voxels: NDArray[Any], turn: ArrayLike) -> NDArray[Any]:
    """A view of voxels (I, J, K) with their axes in another order and direction.

    Args:
        voxels: of any type.
        turn: (3, 2) orientation transform of nibabel.
    """
    from nibabel.orientations import apply_orientation  # noqa: PLC0415 - tables load this module, and read no volume

    return np.asarray(apply_orientation(voxels, turn))


def label_on_grid(image: Volume, label: Volume, trust_arrays: bool = False) -> tuple[NDArray[Any], tuple[str, ...]]:
    """The voxels of a label volume that lies on the image's grid, voxel by voxel, and warnings.

    Args:
        image, label: the pair.
        trust_arrays: where the headers differ, as those of crops saved with a stale origin do, take the arrays as they
            are stored to match voxel by voxel, and turn both by the image's header.

    Raises:
        DataError: the headers give other shapes, or places that differ by more than `GRID_TOLERANCE`, and the arrays
            are not to be trusted; or they are, and their stored shapes differ.
    """
    shapes = label.voxels.shape, image.voxels.shape
    text = f"{place(label.path)}: shape {shapes[0]} differs from {shapes[1]} of {place(image.path)} (both in LPS order)"
    if shapes[0] == shapes[1]:
        shift_mm = displacement_mm(image.affine, label.affine, image.voxels.shape)
        if shift_mm <= GRID_TOLERANCE * min(image.spacing_mm):
            return label.voxels, ()
        text = f"{place(label.path)}: affine differs from that of {place(image.path)} by up to {shift_mm:.3g} mm"
    if not trust_arrays:
        raise DataError(
            f"{text}; resample the label to the image's grid, or take the arrays to match with --trust-arrays"
        )
    stored = label.stored
    if stored.shape != image.stored.shape:
        raise DataError(
            f"{text}; the stored arrays do not match either: {stored.shape} and {image.stored.shape}; "
            "resample the label to the image's grid first"
        )
    taken = f"{text}; the stored arrays are taken to match voxel by voxel, both turned by the image's header"
    return turned(stored, image.turn), (taken,)


def displacement_mm(first: Affine, second: Affine, shape: tuple[int, ...]) -> float:
    """Largest distance between the places that two affines give to the corners of a volume."""
    corners = np.array(list(itertools.product(*((0, side - 1) for side in shape))))
    moved = corners @ (first - second)[:3, :3].T + (first - second)[:3, 3]
    return float(np.linalg.norm(moved, axis=1).max())


def resample(moving: Volume, target: Volume) -> NDArray[np.float32]:
    """`moving` on the grid of `target` by their affines, linearly; NaN outside of `moving`.

    Raises:
        DataError: the two volumes have no place in common.
    """
    from nibabel.nifti1 import Nifti1Image  # noqa: PLC0415 - as in `turned`
    from nibabel.processing import resample_from_to  # noqa: PLC0415 - loads SciPy's image filters

    source = Nifti1Image(moving.voxels.astype(np.float32), moving.affine)
    grid = (target.voxels.shape, target.affine)
    moved = np.asarray(resample_from_to(source, grid, order=1, cval=np.nan).dataobj, np.float32)
    if np.isnan(moved).all():
        raise DataError(f"{place(moving.path)} and {place(target.path)} do not overlap in space")
    return moved
