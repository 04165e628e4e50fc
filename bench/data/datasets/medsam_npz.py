"""MedSAM's archives: one `.npz` per case with `imgs` and `gts`, as of MedSAM, MedSAM2 and the CVPR challenges."""

import io
import re
import zipfile
from functools import partial
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from numpy.typing import NDArray

from bench.data.case import Case, DataError, Dataset, Item
from bench.data.reading.assemble import picture_case, volume_case
from bench.data.reading.dicom import TO_RAS
from bench.data.reading.labels import LabelTable, by_id, table_of, unnamed
from bench.data.reading.layout import Entry, arranged, children, patient_of, roots, stem
from bench.data.reading.nifti_files import as_volume
from bench.data.reading.opening import is_listed, opened, place, read_bytes, read_json
from bench.data.reading.volumes import Volume
from segmote.imis.sparse_labels import stored_array

NAME = "medsam-npz"
ENDING = ".npz"
NEEDED = frozenset({"imgs.npy", "gts.npy"})
TABLE = "labels.json"
COLOUR_CHANNELS = 3
DEEP_LESION = re.compile(r"CT_Lesion_\d{6}", re.IGNORECASE)


def has_layout(folder: Path) -> bool:
    """An archive with images and labels; a damaged one counts if no other can be read."""
    archives = [path for path in children(folder) if path.name.lower().endswith(ENDING)]
    return any(_has_both(path) for path in archives)


def _has_both(path: Path) -> bool:
    try:
        with opened(path) as file, zipfile.ZipFile(file) as archive:
            return set(archive.namelist()) >= NEEDED
    except (DataError, zipfile.BadZipFile, ValueError, OSError):
        return False


def index(root: Path) -> list[Entry]:
    """One case per archive; `labels.json` ({"liver": 1}) names the ids if it is there.

    Raises:
        DataError: `labels.json` is not valid.
    """
    table = _table(root / TABLE)
    archives = [path for path in children(root) if path.name.lower().endswith(ENDING)]
    return arranged(
        Item(NAME, _patient(stem(path)), stem(path), "any", {"image": path}, {"table": table}) for path in archives
    )


def _patient(case: str) -> str:
    """DeepLesion's names go on with study, series and slices after the patient; elsewhere see `patient_of`."""
    found = DEEP_LESION.match(case)
    return found[0] if found else patient_of(case)


def _table(path: Path) -> LabelTable:
    if not is_listed(path):
        return {}
    try:
        return table_of(read_json(path))
    except (TypeError, ValueError, AttributeError) as error:
        raise DataError(f"{place(path)}: not a mapping of class names to ids ({error})") from error


def read(item: Item) -> Case:
    """A volume, or a picture, with its classes; ids without names are `label 1` and so on.

    Intensities were mapped to 0..255 by those who wrote the file, so that a CT has no Hounsfield units.

    Raises:
        DataError: a damaged file; images and labels of other shapes; ids without a class; no foreground.
    """
    path = item.files["image"]
    where = place(path)
    arrays = _arrays(path)
    images, labels, table = arrays["imgs"], arrays["gts"], item.details["table"]
    is_picture = labels.ndim == 2
    if labels.ndim not in (2, 3) or images.shape[: labels.ndim] != labels.shape or images.dtype.kind not in "uif":
        raise DataError(f"{where}: imgs {images.dtype} {images.shape} and gts {labels.shape} are no pair")
    if is_picture:
        if images.ndim == 3 and images.shape[2] != COLOUR_CHANNELS:
            raise DataError(f"{where}: imgs {images.shape} is no picture of grey or of three colours")
        masks, warnings = by_id(labels, table, where) if table else unnamed(labels, where)
        return picture_case(item, images, masks, warnings)
    if images.ndim != labels.ndim:
        raise DataError(f"{where}: imgs {images.shape} and gts {labels.shape} are no pair")
    volume = _volume(path, images, arrays)
    turned = np.asarray(nib.orientations.apply_orientation(labels.T, volume.turn))
    masks, warnings = by_id(turned, table, where) if table else unnamed(turned, where)
    return volume_case(item, volume, masks, warnings)


def _arrays(path: Path) -> dict[str, NDArray[Any]]:
    try:
        with zipfile.ZipFile(io.BytesIO(read_bytes(path))) as archive:
            names = {name.removesuffix(".npy") for name in archive.namelist()}
            return {
                name: stored_array(archive, name)
                for name in ("imgs", "gts", "spacing", "direction", "origin")
                if name in names or f"{name}.npy" in NEEDED
            }
    except DataError:
        raise
    except Exception as error:  # whatever the archive and NumPy raise on changed bytes
        raise DataError(f"{place(path)}: cannot be read ({type(error).__name__}: {error})") from error


def _volume(path: Path, images: NDArray[Any], arrays: dict[str, NDArray[Any]]) -> Volume:
    """The volume (x, y, z) in LPS order, by the direction that is stored as SimpleITK has it."""
    warnings: tuple[str, ...] = ()
    if "spacing" not in arrays:
        warnings = (f"{place(path)}: no spacing stored; taken as 1 mm",)
    try:
        spacing = np.asarray(arrays.get("spacing", np.ones(3)), float).reshape(3)
        affine = np.eye(4)
        affine[:3, :3] = np.asarray(arrays.get("direction", np.eye(3)), float).reshape(3, 3) * spacing
        affine[:3, 3] = np.asarray(arrays.get("origin", np.zeros(3)), float).reshape(3)
    except (TypeError, ValueError) as error:
        raise DataError(f"{place(path)}: no valid geometry ({error})") from error
    if not (np.isfinite(affine).all() and np.abs(np.linalg.det(affine)) > 0 and (spacing > 0).all()):
        raise DataError(f"{place(path)}: no valid geometry (spacing {spacing}, direction and origin {affine.tolist()})")
    voxels = images.T
    image = nib.Nifti1Image(np.zeros(voxels.shape, np.uint8), TO_RAS @ affine)
    image.header.set_xyzt_units("mm")
    return as_volume(path, image, voxels, warnings)


MEDSAM_NPZ = Dataset(
    name=NAME,
    title="MedSAM's npz",
    modality="any",
    rows={},
    licence="that of the source data",
    source="https://github.com/bowang-lab/MedSAM",
    citation="Ma et al., Nature Communications 15:654 (2024)",
    layout="<case>.npz with imgs and gts (and spacing, direction, origin), and optionally labels.json "
    '({"liver": 1, ...})',
    find=partial(roots, has_layout=has_layout),
    index=index,
    read=read,
)
