"""DICOM series: every slice read, held against the others, sorted by position, as a volume in LPS order."""

import io
import itertools
import re
import warnings
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import nibabel as nib
import numpy as np
from numpy.typing import NDArray

from bench.data.case import DataError
from bench.data.reading.nifti_files import as_volume
from bench.data.reading.opening import opened, place, read_bytes, require_plausible
from bench.data.reading.volumes import GRID_TOLERANCE, Volume

if TYPE_CHECKING:
    from pydicom import Dataset

ENDINGS = (".dcm", ".ima", "")  # and numbers, as of files that are named after their UID
PREAMBLE_BYTES, META_BYTES = 132, 1024
MAGIC = b"DICM"
CLASS = re.compile(rb"\x02\x00\x02\x00UI..([0-9.]+)", re.DOTALL)  # MediaStorageSOPClassUID
STORED = b"1.2.840.10008.5.1.4.1.1."  # images and all that belongs to them; a DICOMDIR is none
KINDS = {STORED + b"66.4": "SEG", STORED + b"66.7": "SEG", STORED + b"481.3": "RTSTRUCT"}  # the second: label maps
DEFLATED = b"1.2.840.10008.1.2.1.99\0"  # would be unpacked as a whole, whatever its size
UNREADABLE: tuple[type[Exception], ...] = (
    OSError, EOFError, ValueError, KeyError, AttributeError, TypeError, IndexError, NotImplementedError, RuntimeError,
    OverflowError, MemoryError, ImportError, AssertionError, zlib.error,
)  # fmt: skip
TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])  # DICOM counts millimetres to the left and to posterior
DIRECTION_TOLERANCE = 1e-3
INT16 = np.iinfo(np.int16)


@dataclass(frozen=True, slots=True, eq=False)
class Series:
    """The slices of one acquisition as a volume.

    Attributes:
        volume: in LPS order.
        paths: the files along the normal of the slices, as they lie along the last axis of `shape`.
        affine: (4, 4) from (column, row, slice) to the patient's millimetres of DICOM (left, posterior, superior).
        shape: columns, rows, slices.
    """

    volume: Volume
    paths: tuple[Path, ...]
    affine: NDArray[np.float64]
    shape: tuple[int, int, int]

    def turned(self, values: NDArray[Any]) -> NDArray[Any]:
        """Values by (column, row, slice) in the LPS order of the volume."""
        return np.asarray(nib.orientations.apply_orientation(values, self.volume.turn))


def is_dicom(path: Path) -> bool:
    """Whether the name of a file may be that of a DICOM file."""
    suffix = path.suffix.lower()
    return suffix in ENDINGS or suffix[1:].isdigit()


def kind_of(path: Path) -> str:
    """What a DICOM file holds, by its first bytes: "image", "SEG", "RTSTRUCT", or "" for anything else."""
    if not is_dicom(path) or path.is_dir():
        return ""
    try:
        with opened(path) as file:
            start = file.read(META_BYTES)
    except DataError:
        return ""
    found = CLASS.search(start)
    if start[PREAMBLE_BYTES - len(MAGIC) : PREAMBLE_BYTES] != MAGIC or not (found and found[1].startswith(STORED)):
        return ""
    return KINDS.get(found[1], "image")


def read_header(path: Path) -> "Dataset":
    """All of a file but its pixels.

    Raises:
        DataError: pydicom is not installed, or cannot read it.
    """
    with opened(path) as file:
        return _parsed(path, file, stop_before_pixels=True)


def read_dataset(path: Path) -> "Dataset":
    """All of a file; its pixels are unpacked when they are asked for.

    Raises:
        DataError: pydicom is not installed, or cannot read it.
    """
    return _parsed(path, io.BytesIO(read_bytes(path)))


def _parsed(path: Path, file: Any, stop_before_pixels: bool = False) -> "Dataset":
    try:
        from pydicom import dcmread  # noqa: PLC0415 - an extra, and slow to import
    except ImportError as error:
        raise DataError(
            f"{place(path)}: reading DICOM needs pydicom; install it with: pip install 'segmote-bench[dicom]'"
        ) from error
    start = file.read(META_BYTES)
    file.seek(0)
    if DEFLATED in start:
        raise DataError(f"{place(path)}: a deflated file; save it with another transfer syntax")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return dcmread(file, stop_before_pixels=stop_before_pixels)
    except UNREADABLE as error:
        raise DataError(f"{place(path)}: cannot be read ({type(error).__name__}: {error})") from error


def pixels(path: Path, dataset: "Dataset") -> NDArray[Any]:
    """The stored values of a file, (rows, columns) or (frames, rows, columns).

    Raises:
        DataError: they are missing, damaged, or packed in a way that needs another library.
    """
    try:
        frames = int(dataset.get("NumberOfFrames") or 1)
        needed = int(dataset.Rows) * int(dataset.Columns) * frames * max(int(dataset.BitsAllocated), 8) // 8
        require_plausible(path, needed, len(dataset.PixelData) * (8 if dataset.BitsAllocated == 1 else 1))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return np.asarray(dataset.pixel_array)
    except DataError:
        raise
    except UNREADABLE as error:
        raise DataError(f"{place(path)}: cannot be read ({type(error).__name__}: {error})") from error


def read_series(paths: Sequence[Path]) -> Series:
    """The slices of one series, in units of the modality (a CT in Hounsfield units).

    Slices are sorted by their positions along the normal, which also give their distance; file names, instance numbers
    and the stated thickness say nothing.

    Raises:
        DataError: a file is unreadable or no slice in space; slices differ in series, size, orientation or pixel size;
            two lie in one place; some are missing; they are shifted against each other in their plane.
    """
    slices = [(path, read_dataset(path)) for path in paths]
    planes = [_plane(path, dataset) for path, dataset in slices]
    first = planes[0]
    for (path, dataset), plane in zip(slices, planes, strict=True):
        _require_same(slices[0], (path, dataset), first, plane)
    normal = np.cross(first[:3, 0], first[:3, 1])
    normal /= np.linalg.norm(normal)
    heights = np.array([plane[:3, 3] @ normal for plane in planes])
    order = np.argsort(heights, kind="stable")
    names = [place(slices[number][0]) for number in order]
    step, said = _distance(slices[0], names, heights[order])
    affine = first.copy()
    affine[:3, 2], affine[:3, 3] = normal * step, planes[order[0]][:3, 3]
    _require_straight(names, affine, np.stack([planes[number][:3, 3] for number in order]))
    voxels = np.stack([_values(*slices[number]).T for number in order], axis=-1)
    image = nib.Nifti1Image(voxels, TO_RAS @ affine)
    image.header.set_xyzt_units("mm")
    volume = as_volume(slices[order[0]][0], image, voxels, said)
    columns, rows, count = voxels.shape
    return Series(volume, tuple(slices[number][0] for number in order), affine, (columns, rows, count))


def plane_affine(position: Any, orientation: Any, spacing: Any) -> NDArray[np.float64]:
    """(4, 4) from (column, row, 0) to the patient's millimetres; the third column is the unit normal.

    Args:
        position, orientation, spacing: as DICOM stores them (spacing: between rows, then between columns).

    Raises:
        ValueError: they are no finite numbers, or no two directions at right angles.
    """
    along_row, along_column = np.array(orientation, float).reshape(2, 3)
    between_rows, between_columns = np.array(spacing, float)
    affine = np.eye(4)
    affine[:3, 0], affine[:3, 1] = along_row * between_columns, along_column * between_rows
    affine[:3, 2], affine[:3, 3] = np.cross(along_row, along_column), np.array(position, float)
    right = abs(along_row @ along_column) < DIRECTION_TOLERANCE
    units = np.allclose([np.linalg.norm(along_row), np.linalg.norm(along_column)], 1, atol=DIRECTION_TOLERANCE)
    if not (np.isfinite(affine).all() and right and units and min(between_rows, between_columns) > 0):
        raise ValueError(f"position {position}, orientation {orientation}, pixel spacing {spacing}")
    return affine


def _plane(path: Path, dataset: "Dataset") -> NDArray[np.float64]:
    if int(dataset.get("NumberOfFrames") or 1) > 1:
        raise DataError(f"{place(path)}: several frames in one file; convert the series to NIfTI (dcm2niix)")
    try:
        return plane_affine(dataset.ImagePositionPatient, dataset.ImageOrientationPatient, dataset.PixelSpacing)
    except (AttributeError, TypeError, ValueError) as error:
        raise DataError(f"{place(path)}: no slice in space ({error})") from error


def _require_same(
    first: tuple[Path, "Dataset"], other: tuple[Path, "Dataset"], plane: NDArray[Any], other_plane: NDArray[Any]
) -> None:
    """Refuse a mixed series.

    Raises:
        DataError: names both files and what differs.
    """
    differ = [
        f"{name} {other[1].get(name)} and {first[1].get(name)}"
        for name in ("SeriesInstanceUID", "Rows", "Columns", "PhotometricInterpretation")
        if other[1].get(name) != first[1].get(name)
    ]
    if not np.allclose(plane[:3, :3], other_plane[:3, :3], atol=DIRECTION_TOLERANCE):
        differ.append(f"orientation or pixel spacing {other_plane[:3, :2].tolist()} and {plane[:3, :2].tolist()}")
    if differ:
        raise DataError(
            f"a mixed series: {place(other[0])} and {place(first[0])} differ in {'; '.join(differ)}; keep one series "
            "in the folder"
        )


def _distance(
    slice_: tuple[Path, "Dataset"], names: Sequence[str], heights: NDArray[Any]
) -> tuple[float, tuple[str, ...]]:
    """Millimetres from slice to slice, and what had to be taken instead.

    Raises:
        DataError: two slices lie in one place, or some are missing.
    """
    if len(heights) == 1:
        thickness = float(slice_[1].get("SliceThickness") or 1)
        if not 0 < thickness < np.inf:
            raise DataError(f"{names[0]}: a slice thickness of {thickness} mm")
        return thickness, (f"{names[0]}: the only slice; its thickness is taken as {thickness:g} mm",)
    steps = np.diff(heights)
    usual = float(np.median(steps))
    for (name, after), step in zip(itertools.pairwise(names), steps, strict=True):
        if step <= GRID_TOLERANCE * usual:
            raise DataError(
                f"{name} and {after} lie in one place: a slice is there twice, or the series holds several images of "
                "each place (echoes, phases, b-values); keep one"
            )
        if abs(step - usual) > GRID_TOLERANCE * usual:
            raise DataError(
                f"{step:g} mm between {name} and {after}, but {usual:g} mm between others: slices are missing or not "
                "evenly spaced"
            )
    return float((heights[-1] - heights[0]) / len(steps)), ()


def _require_straight(names: Sequence[str], affine: NDArray[Any], positions: NDArray[Any]) -> None:
    """Refuse a stack whose slices are shifted in their plane, as by a tilted gantry.

    Raises:
        DataError: names the slice that lies farthest off.
    """
    expected = affine[:3, 3] + np.arange(len(positions))[:, None] * affine[:3, 2]
    normal = affine[:3, 2] / np.linalg.norm(affine[:3, 2])
    off = positions - expected
    aside = np.linalg.norm(off - (off @ normal)[:, None] * normal, axis=1)
    if aside.max() > GRID_TOLERANCE * np.linalg.norm(affine[:3, :2], axis=0).min():
        raise DataError(
            f"{names[int(aside.argmax())]}: shifted by {aside.max():.3g} mm within its plane (a tilted gantry?); "
            "resample the series to a straight grid"
        )


def _values(path: Path, dataset: "Dataset") -> NDArray[Any]:
    """The slice (rows, columns) in units of the modality: int16 where they are whole numbers that fit, else float32."""
    if dataset.get("PhotometricInterpretation") != "MONOCHROME2":
        shown = dataset.get("PhotometricInterpretation")
        raise DataError(f"{place(path)}: photometric interpretation {shown}, expected grey values (MONOCHROME2)")
    stored = pixels(path, dataset)
    try:
        slope, intercept = float(dataset.get("RescaleSlope", 1)), float(dataset.get("RescaleIntercept", 0))
    except (TypeError, ValueError) as error:
        raise DataError(f"{place(path)}: no valid rescale slope and intercept ({error})") from error
    if stored.ndim != 2 or not (np.isfinite([slope, intercept]).all() and slope):
        raise DataError(f"{place(path)}: {stored.ndim}-D with rescale slope {slope} and intercept {intercept}")
    values = stored * slope + intercept
    fits = INT16.min <= values.min() and values.max() <= INT16.max
    whole = slope.is_integer() and intercept.is_integer() and np.issubdtype(stored.dtype, np.integer)
    return values.astype(np.int16 if fits and whole else np.float32)
