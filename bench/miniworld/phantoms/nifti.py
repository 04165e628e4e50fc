"""Affines of phantoms, and NIfTI files that are reproducible byte for byte."""

import gzip
from collections.abc import Sequence
from pathlib import Path

import nibabel as nib
import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.spatial.transform import Rotation

DIRECTIONS = {
    "R": (1, 0, 0), "L": (-1, 0, 0), "A": (0, 1, 0), "P": (0, -1, 0), "S": (0, 0, 1), "I": (0, 0, -1),
}  # fmt: skip


def placed(
    shape: Sequence[int],
    spacing_mm: ArrayLike,
    axes: str,
    tilt: ArrayLike = (0, 0, 0),
    centre: ArrayLike = (0, 0, 0),
) -> NDArray[np.float64]:
    """The affine (4, 4) from voxel indices to RAS millimetres.

    Args:
        shape: of the volume.
        spacing_mm: along the volume's own axes.
        axes: where each axis points, as "LAS".
        tilt: degrees around R, A and S by which the volume is turned out of its axes.
        centre: RAS millimetres of the volume's middle.
    """
    turn = Rotation.from_euler("xyz", tilt, degrees=True).as_matrix()
    affine = np.eye(4)
    affine[:3, :3] = turn @ np.array([DIRECTIONS[axis] for axis in axes], float).T * np.asarray(spacing_mm, float)
    affine[:3, 3] = np.asarray(centre) - affine[:3, :3] @ ((np.asarray(shape) - 1) / 2)
    return affine


def write_nifti(path: Path, voxels: NDArray[np.generic], affine: NDArray[np.float64]) -> None:
    """Writes a gzipped NIfTI without a time stamp; folders are made."""
    image = nib.Nifti1Image(voxels, affine)
    image.set_qform(affine, 1)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(image.to_bytes(), compresslevel=4, mtime=0))
