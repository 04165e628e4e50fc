"""NIfTI volumes: read whole, checked, turned to LPS, put on another grid."""

import gzip
import itertools
import zlib
from dataclasses import dataclass
from pathlib import Path
from struct import error as StructError
from typing import Any

import nibabel as nib
import numpy as np
from nibabel.filebasedimages import ImageFileError
from nibabel.processing import resample_from_to
from nibabel.spatialimages import HeaderDataError
from nibabel.wrapstruct import WrapStructError
from numpy.typing import NDArray

from bench.data.case import DataError

ENDINGS = (".nii", ".nii.gz")
LPS = nib.orientations.axcodes2ornt(("L", "P", "S"))
GZIP_MAGIC = b"\x1f\x8b"
NIFTI2_HEADER_BYTES = 540
GRID_TOLERANCE = 0.1  # of the smallest voxel side, at the corner of the volume that moves most
UNREADABLE = (
    OSError,
    EOFError,
    zlib.error,
    ValueError,
    StructError,
    ImageFileError,
    HeaderDataError,
    WrapStructError,
    MemoryError,  # a damaged header that asks for more voxels than any file holds
)

Affine = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Volume:
    """A 3-D image in LPS order.

    Attributes:
        path: the file, for messages.
        voxels: (I, J, K), finite; i grows to the patient's left, j to posterior, k to superior. A view in the file's
            memory order, in which the planes a scanner made lie together.
        spacing_mm: voxel size along i, j, k, from the header's zooms.
        affine: (4, 4) from voxel indices to RAS millimetres; its columns have the lengths `spacing_mm`.
        warnings: what was odd about the file, each one sentence.
    """

    path: Path
    voxels: NDArray[Any]
    spacing_mm: tuple[float, float, float]
    affine: Affine
    warnings: tuple[str, ...]


def place(path: Path) -> str:
    """A file as messages name it: its folder and its name."""
    return f"{path.parent.name}/{path.name}"


def read_volume(path: Path) -> Volume:
    """A NIfTI file with all its voxels, turned (never interpolated) to LPS.

    The whole file is unpacked, so that a wrong checksum behind the last voxel is found. Spacing is the
    header's zooms, also where the sform says otherwise (ACDC has sforms of unit scale).

    Raises:
        DataError: not a NIfTI file, truncated, wrong checksum; not 3-D; colour voxels; no finite voxel;
            no valid voxel size or orientation.

    Source: axis turning is nibabel's; wrong sforms in MIC-DKFZ/nnUNet issue 2741.
    """
    image, voxels = _load(path)
    voxels = _three_dimensional(path, voxels)
    affine, odd_geometry = _affine(path, image, voxels.shape)
    voxels, odd_values = _finite(path, voxels)
    orientation = nib.orientations.io_orientation(affine)
    if np.isnan(orientation).any():
        raise DataError(f"{place(path)}: flat affine {affine.tolist()}: not a volume in space")
    turn = nib.orientations.ornt_transform(orientation, LPS)
    turned = affine @ nib.orientations.inv_ornt_aff(turn, voxels.shape)
    x, y, z = np.linalg.norm(turned[:3, :3], axis=0)
    return Volume(
        path=path,
        voxels=nib.orientations.apply_orientation(voxels, turn),
        spacing_mm=(float(x), float(y), float(z)),
        affine=turned,
        warnings=odd_geometry + odd_values,
    )


def check_grid(image: Volume, label: Volume, trust_arrays: bool = False) -> tuple[str, ...]:
    """Warnings about a label volume that should lie on the image's grid, voxel by voxel.

    Args:
        image, label: the pair.
        trust_arrays: warn of another affine, as crops saved with a stale origin have it, and go on.

    Raises:
        DataError: the shapes differ, so no voxel of one belongs to a voxel of the other; or the affines do by more than
            `GRID_TOLERANCE`, and the arrays are not to be trusted.
    """
    if image.voxels.shape != label.voxels.shape:
        raise DataError(
            f"{place(label.path)}: shape {label.voxels.shape} differs from {image.voxels.shape} of "
            f"{place(image.path)} (both in LPS order); resample the label to the image's grid first"
        )
    shift_mm = displacement_mm(image.affine, label.affine, image.voxels.shape)
    if shift_mm <= GRID_TOLERANCE * min(image.spacing_mm):
        return ()
    text = f"{place(label.path)}: affine differs from that of {place(image.path)} by up to {shift_mm:.3g} mm"
    if not trust_arrays:
        raise DataError(
            f"{text}; resample the label to the image's grid, or take the arrays to match with --trust-arrays"
        )
    return (f"{text}; the arrays are taken to match",)


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
    source = nib.Nifti1Image(moving.voxels.astype(np.float32), moving.affine)
    grid = (target.voxels.shape, target.affine)
    moved = np.asarray(resample_from_to(source, grid, order=1, cval=np.nan).dataobj, np.float32)
    if np.isnan(moved).all():
        raise DataError(f"{place(moving.path)} and {place(target.path)} do not overlap in space")
    return moved


def _load(path: Path) -> tuple[Any, NDArray[Any]]:
    try:
        raw = path.read_bytes()
        if raw[:2] == GZIP_MAGIC:
            raw = gzip.decompress(raw)
        size = {int.from_bytes(raw[:4], "little"), int.from_bytes(raw[:4], "big")}
        kind = nib.Nifti2Image if NIFTI2_HEADER_BYTES in size else nib.Nifti1Image
        image = kind.from_bytes(raw)
        return image, np.asanyarray(image.dataobj)
    except UNREADABLE as error:
        raise DataError(f"{place(path)}: cannot be read ({type(error).__name__}: {error})") from error


def _three_dimensional(path: Path, voxels: NDArray[Any]) -> NDArray[Any]:
    while voxels.ndim > 3 and voxels.shape[-1] == 1:
        voxels = voxels[..., 0]
    if voxels.ndim != 3 or not voxels.size:
        raise DataError(
            f"{place(path)}: {voxels.ndim}-D of shape {voxels.shape}, expected 3-D; choose one channel or "
            "frame and save it as a file of its own (nibabel.four_to_three)"
        )
    if voxels.dtype.names or np.iscomplexobj(voxels):
        raise DataError(f"{place(path)}: voxels of type {voxels.dtype}, expected one real number each")
    return voxels


def _affine(path: Path, image: Any, shape: tuple[int, ...]) -> tuple[Affine, tuple[str, ...]]:
    """The image's affine with columns scaled to the zooms, and what was odd about it."""
    zooms = np.array(image.header.get_zooms()[:3], float)
    stored = np.asarray(image.affine, float)
    lengths = np.linalg.norm(stored[:3, :3], axis=0)
    if not (np.isfinite(stored).all() and np.isfinite(zooms).all() and lengths.all() and (zooms > 0).all()):
        raise DataError(f"{place(path)}: no valid geometry (voxel size {zooms}, affine {stored.tolist()})")
    affine = stored.copy()
    affine[:3, :3] *= zooms / lengths
    return affine, _odd_geometry(path, image, lengths, zooms, shape)


def _odd_geometry(
    path: Path, image: Any, lengths: NDArray[Any], zooms: NDArray[Any], shape: tuple[int, ...]
) -> tuple[str, ...]:
    sform, sform_code = image.get_sform(coded=True)
    try:
        qform, qform_code = image.get_qform(coded=True)
    except (ValueError, HeaderDataError) as error:
        return (f"{place(path)}: qform is not valid ({error}): took the sform",)
    if not (sform_code or qform_code):
        return (f"{place(path)}: no orientation stored; axes taken as left, anterior, superior",)
    if not np.allclose(lengths, zooms, rtol=1e-3):
        return (f"{place(path)}: sform has voxel size {lengths.round(4)}, header {zooms.round(4)}: took the latter",)
    if sform_code and qform_code:
        shift_mm = displacement_mm(sform, qform, shape)
        if shift_mm > GRID_TOLERANCE * zooms.min():
            return (f"{place(path)}: sform and qform differ by up to {shift_mm:.3g} mm: took the sform",)
    return ()


def _finite(path: Path, voxels: NDArray[Any]) -> tuple[NDArray[Any], tuple[str, ...]]:
    """Floats as float32, with voxels that are no number set to the lowest value."""
    if not np.issubdtype(voxels.dtype, np.floating):
        return voxels, ()
    voxels = voxels.astype(np.float32)
    finite = np.isfinite(voxels)
    if finite.all():
        return voxels, ()
    if not finite.any():
        raise DataError(f"{place(path)}: no voxel is a finite number")
    lowest = voxels[finite].min()
    warning = f"{place(path)}: {np.count_nonzero(~finite)} voxels are not finite; set to {lowest:g}"
    return np.where(finite, voxels, lowest), (warning,)
