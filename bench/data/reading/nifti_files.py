"""NIfTI files by nibabel: unpacked whole, held against their size, checked, turned to LPS."""

import io
import os
import tempfile
from pathlib import Path
from struct import error as StructError
from typing import Any, BinaryIO

import nibabel as nib
import numpy as np
from isal import isal_zlib
from isal.igzip import IGzipFile
from nibabel.filebasedimages import ImageFileError
from nibabel.spatialimages import HeaderDataError
from nibabel.volumeutils import apply_read_scaling
from nibabel.wrapstruct import WrapStructError
from numpy.typing import NDArray

from bench.data import mapped
from bench.data.case import DataError, ScanHeader
from bench.data.reading.opening import opened, place, require_plausible
from bench.data.reading.volumes import GRID_TOLERANCE, Affine, Volume, displacement_mm, turned

LPS = nib.orientations.axcodes2ornt(("L", "P", "S"))
GZIP_MAGIC = b"\x1f\x8b"
NIFTI2_HEADER_BYTES = 540
MILLIMETRES = {"mm": 1.0, "meter": 1000.0, "micron": 0.001, "unknown": 1.0}
USUAL_MM = (0.01, 50.0)  # voxel sides of scanners; others come from a wrong unit more often than not
MOST_REST_BYTES = 2**26  # behind the last voxel of a packed file
PLACE_FIELDS = (  # of a header: where the voxels lie, and their unit; none of its free text, which may name a patient
    "pixdim", "xyzt_units", "qform_code", "sform_code", "quatern_b", "quatern_c", "quatern_d",
    "qoffset_x", "qoffset_y", "qoffset_z", "srow_x", "srow_y", "srow_z",
)  # fmt: skip
UNREADABLE: tuple[type[Exception], ...] = (
    OSError,
    EOFError,
    isal_zlib.error,  # type: ignore[assignment]  # its stub takes the class for one of its instances
    ValueError,
    KeyError,
    OverflowError,
    StructError,
    ImageFileError,
    HeaderDataError,
    WrapStructError,
    MemoryError,  # a damaged header that asks for more voxels than there is memory
)


def load(path: Path) -> Volume:
    """The volume of a NIfTI file, with its voxels as they are.

    Raises:
        DataError: see `bench.data.reading.nifti.read_volume`.
    """
    image, voxels = _load(path)
    return as_volume(path, image, _three_dimensional(path, voxels))


def as_volume(path: Path, image: Any, voxels: NDArray[Any], warnings: tuple[str, ...] = ()) -> Volume:
    """Voxels turned to LPS as the header of a NIfTI image says.

    Args:
        path: the file, for messages.
        image: of nibabel; its header and affine are used.
        voxels: (I, J, K) in the order of the image.
        warnings: what was odd already.

    Raises:
        DataError: no valid voxel size or orientation.
    """
    affine, odd_geometry = _affine(path, image, voxels.shape)
    orientation = nib.orientations.io_orientation(affine)
    if np.isnan(orientation).any():
        raise DataError(f"{place(path)}: flat affine {affine.tolist()}: not a volume in space")
    turn = nib.orientations.ornt_transform(orientation, LPS)
    to_ras = affine @ nib.orientations.inv_ornt_aff(turn, voxels.shape)
    x, y, z = (_as_stored(length) for length in np.linalg.norm(to_ras[:3, :3], axis=0))
    return Volume(path, turned(voxels, turn), (x, y, z), to_ras, turn, (*warnings, *odd_geometry), _header(image, turn))


def _header(image: Any, turn: NDArray[Any]) -> ScanHeader:
    fields = {name: image.header[name].tolist() for name in PLACE_FIELDS}
    plain = {name: tuple(value) if isinstance(value, list) else value for name, value in fields.items()}
    return ScanHeader(tuple((int(axis), int(flip)) for axis, flip in turn), plain)


def _as_stored(length: float) -> float:
    """The shortest decimal that a float32 header holds as the same number: 0.4, not 0.4000000059604645."""
    return float(str(np.float32(length)))


def _load(path: Path) -> tuple[Any, NDArray[Any]]:
    try:
        with opened(path) as stored:
            packed = stored.read(2) == GZIP_MAGIC
            stored.seek(0)
            source: BinaryIO = IGzipFile(fileobj=stored) if packed else stored  # type: ignore[assignment, no-untyped-call]
            start = source.read(NIFTI2_HEADER_BYTES)
            size = {int.from_bytes(start[:4], "little"), int.from_bytes(start[:4], "big")}
            kind = nib.Nifti2Image if NIFTI2_HEADER_BYTES in size else nib.Nifti1Image
            needed = _bytes_needed(kind.header_class(start[: kind.header_class.sizeof_hdr]))
            size_on_disk = os.fstat(stored.fileno()).st_size
            require_plausible(path, needed, size_on_disk)
            source.seek(0)  # unpacks the little that was read for the header again
            image = kind.from_stream(_unpacked(source, needed, needed + MOST_REST_BYTES if packed else size_on_disk))
        return image, _voxels(image)
    except DataError:
        raise
    except UNREADABLE as error:
        raise DataError(f"{place(path)}: cannot be read ({type(error).__name__}: {error})") from error


def _bytes_needed(header: Any) -> int:
    """Bytes that the header asks for: of all before the voxels, and of the voxels, which scaling makes float64."""
    count = int(np.prod([int(side) for side in header.get_data_shape()], dtype=object))
    scaled = header.get_slope_inter() not in ((None, None), (1.0, 0.0))
    size = 8 if scaled else int(header.get_data_dtype().itemsize)
    return max(int(header.get_data_offset()), 0) + count * size


def _unpacked(source: BinaryIO, needed: int, most: int) -> io.IOBase:
    """A file to its end, where the checksum of a packed one is compared; large ones in a file that can be mapped.

    Args:
        source: the file, at its start.
        needed: bytes that its header asks for.
        most: bytes that it may have.
    """
    if not mapped.is_mapped(needed):
        content: Any = io.BytesIO(source.read(most))
    else:
        content = tempfile.TemporaryFile()  # noqa: SIM115 - closed when nobody asks for its voxels any more
        left, buffer = most, memoryview(bytearray(mapped.PIECE_BYTES))
        while left and (count := source.readinto(buffer[:left])):  # type: ignore[attr-defined]
            content.write(buffer[:count])
            left -= count
        content.flush()
        content.seek(0)
    if source.read(1):
        raise ValueError(f"it goes on for more than {MOST_REST_BYTES:,} bytes behind its last voxel")
    made: io.IOBase = content
    return made


def _voxels(image: Any) -> NDArray[Any]:
    """The voxels, scaled by the header, in the byte order of this machine; those of a large file are mapped."""
    proxy = image.dataobj
    stored = np.asarray(proxy.get_unscaled())

    def scaled(part: NDArray[Any]) -> NDArray[Any]:
        return np.asarray(apply_read_scaling(part, proxy.slope, proxy.inter))

    if (proxy.slope, proxy.inter) == (1.0, 0.0):
        kind = stored.dtype.newbyteorder("=")
        return stored if stored.dtype == kind else mapped.converted(stored, lambda part: part.astype(kind), kind)
    return mapped.converted(stored, scaled, scaled(stored[..., :0]).dtype)


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
    """The image's affine in mm, with columns scaled to the zooms, and what was odd about it."""
    unit = _unit(path, image)
    zooms = np.array(image.header.get_zooms()[:3], float) * MILLIMETRES[unit]
    stored = np.asarray(image.affine, float)
    stored[:3] *= MILLIMETRES[unit]
    lengths = np.linalg.norm(stored[:3, :3], axis=0)
    if not (np.isfinite(stored).all() and np.isfinite(zooms).all() and lengths.all() and (zooms > 0).all()):
        raise DataError(f"{place(path)}: no valid geometry (voxel size {zooms}, affine {stored.tolist()})")
    affine = stored.copy()
    affine[:3, :3] *= zooms / lengths
    odd = _odd_geometry(path, image, lengths, zooms, MILLIMETRES[unit], shape)
    if zooms.min() < USUAL_MM[0] or zooms.max() > USUAL_MM[1]:
        sides = ", ".join(f"{_as_stored(side):g}" for side in zooms)
        odd += (f"{place(path)}: voxels of {sides} mm, unit of the header: {unit}; distances depend on it",)
    return affine, odd


def _unit(path: Path, image: Any) -> str:
    try:
        return str(image.header.get_xyzt_units()[0])
    except KeyError as error:
        raise DataError(f"{place(path)}: unit of length {error} of the header is none of NIfTI's") from error


def _odd_geometry(
    path: Path, image: Any, lengths: NDArray[Any], zooms: NDArray[Any], unit_mm: float, shape: tuple[int, ...]
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
        shift_mm = unit_mm * displacement_mm(sform, qform, shape)
        if shift_mm > GRID_TOLERANCE * zooms.min():
            return (f"{place(path)}: sform and qform differ by up to {shift_mm:.3g} mm: took the sform",)
    return ()
