"""Labels in the layout of IMIS: sparse matrices of `scipy.sparse.save_npz`, looked at before SciPy computes with them.

Evaluation and training read them here, so that both see the same masks or refuse the same files.

SciPy trusts what such a file says of itself: an index outside of the matrix writes outside of its memory, and a header
of a few bytes asks for any amount of it. Here headers are held against the sizes in the archive before anything is
allocated, and indices against the shape before anything is computed.
"""

import io
import math
import re
import zipfile
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

NAMED_SHAPE = re.compile(r"\(([\d, ]+)\)\.npz$", re.IGNORECASE)
LARGEST_ARRAY = 1 << 28  # bytes of one stored array: 256 MiB, a thousand times the largest of the published labels
LARGEST_MASKS = 1 << 30  # bytes of all channels of a label as masks
MOST_CHANNELS = 100_000  # classes; the published labels have some hundreds
FOREGROUND, ROUNDING = (1, 255), 1e-3
SHOWN = 6  # values in a message
PARTS = {
    "csr": ("data", "indices", "indptr"),
    "csc": ("data", "indices", "indptr"),
    "coo": ("data", "row", "col"),
}
HEADERS = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}


def class_names(labels: Mapping[str, Any]) -> dict[int, str]:
    """Class by id, from the `labels` of a `dataset.json`.

    Raises:
        ValueError: an id that is no whole number or is there twice, a name that is no text.
    """
    names: dict[int, str] = {}
    for key, name in labels.items():
        number = int(key)
        if number in names:
            raise ValueError(f"id {number} is named more than once")
        if not isinstance(name, str):
            raise ValueError(f"id {number} is named {name!r}, which is no text")
        names[number] = name
    return names


def read_classes(
    content: bytes, file_name: str, names: Mapping[int, str], size: Sequence[int]
) -> dict[str, NDArray[np.bool_]]:
    """The classes of a label that have foreground.

    Args:
        content: of the file.
        file_name: ends in "(C, H, W, 1).npz", or tells nothing of the shape.
        names: class by its id, which is the number of its row plus one; ids of one name are one class.
        size: height and width of the image.

    Returns:
        Masks (H, W) by class name.

    Raises:
        ValueError: see `load_channels`; the label does not fit the image or the shape in its name; a row with
            foreground has no name.
    """
    try:
        rows, masks, shape = load_channels(content)
    except ValueError as error:
        raise ValueError(f"cannot be read ({error})") from error
    named = NAMED_SHAPE.search(file_name)
    count, *rest = (int(side) for side in named[1].split(",") if side.strip()) if named else (shape[0], *size)
    if tuple(rest[:2]) != tuple(size) or shape != (count, math.prod(rest)):
        raise ValueError(f"{shape} values named {(count, *rest)}; the image has {tuple(size)} pixels")
    whole: dict[str, NDArray[np.bool_]] = {}
    for row, mask in zip(rows.tolist(), masks.reshape(len(rows), *size), strict=True):
        if row + 1 not in names:
            raise ValueError(
                f"class id {row + 1} has {np.count_nonzero(mask)} pixels and no name; name it in the labels of "
                'dataset.json, as "ignore" if it is not to be scored'
            )
        name = names[row + 1]
        whole[name] = whole[name] | mask if name in whole else mask
    return whole


def load_channels(content: bytes) -> tuple[NDArray[np.int64], NDArray[np.bool_], tuple[int, int]]:
    """The rows of a sparse matrix that hold foreground, as masks.

    Args:
        content: of the file: a matrix in the formats of `PARTS`, one row per channel.

    Returns:
        The numbers (N,) of the rows with a value above zero, their masks (N, pixels) bool, and the matrix's shape.

    Raises:
        ValueError: the archive is damaged, says something else than it holds, asks for too much memory, or has an
            index outside of the matrix, or values that are none of a mask.
    """
    try:
        matrix = _matrix(content)
    except Exception as error:  # whatever the archive and NumPy raise on changed bytes
        raise ValueError(f"{type(error).__name__}: {error}") from error
    present = np.unique(matrix.nonzero()[0]).astype(np.int64)
    if len(present) * matrix.shape[1] > LARGEST_MASKS:
        raise ValueError(
            f"{len(present)} channels of {matrix.shape[1]} pixels; at most {LARGEST_MASKS} bytes are taken"
        )
    masks: NDArray[np.bool_] = matrix[present].toarray() > 0
    filled = masks.any(axis=1)
    return present[filled], masks[filled], (int(matrix.shape[0]), int(matrix.shape[1]))


def _matrix(content: bytes) -> Any:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        kind, shape = stored_array(archive, "format"), stored_array(archive, "shape")
        name = kind.item() if kind.ndim == 0 else ""
        name = name.decode("ascii") if isinstance(name, bytes) else str(name)
        if name not in PARTS:
            raise ValueError(f"sparse format {name[:20]!r}; {', '.join(PARTS)} are read")
        if shape.shape != (2,) or shape.dtype.kind not in "iu":
            raise ValueError(f"shape {shape.tolist()} is not one of a matrix")
        values, first, second = (stored_array(archive, part) for part in PARTS[name])
    height, width = (int(side) for side in shape)
    if height > MOST_CHANNELS:
        raise ValueError(f"{height} channels; at most {MOST_CHANNELS} are read")
    if height < 0 or width < 0 or width >= 2**31:
        raise ValueError(f"shape {(height, width)} is not one of a matrix")
    if any(part.ndim != 1 for part in (values, first, second)) or values.dtype.kind not in "biuf":
        raise ValueError("its arrays are not lists of numbers")
    if not all(part.dtype.kind in "iu" for part in (first, second)):
        raise ValueError("its indices are not integers")
    _require_mask(values)
    pair = (first, second)
    _require_inside(name, values, *pair, (height, width))
    parts = (values, pair) if name == "coo" else (values, *pair)
    from scipy import sparse  # noqa: PLC0415 - the names of classes are read without SciPy

    return getattr(sparse, f"{name}_matrix")(parts, shape=(height, width)).tocsr()


def _require_mask(values: NDArray[Any]) -> None:
    """Hold values against those of masks: 0 and 1, or 0 and white.

    Raises:
        ValueError: names them, if they are others.
    """
    if values.dtype.kind == "f" and not np.isfinite(values).all():
        raise ValueError("it holds values that are not finite")
    found = np.unique(values[values != 0])
    if len(found) and not any(np.allclose(found, one, rtol=0, atol=ROUNDING) for one in FOREGROUND):
        shown = ", ".join(f"{value:g}" for value in found[:SHOWN].tolist())
        raise ValueError(f"it holds {shown}{', ...' if len(found) > SHOWN else ''}; masks hold 0 and 1, or 0 and 255")


def _require_inside(
    name: str, values: NDArray[Any], first: NDArray[Any], second: NDArray[Any], shape: tuple[int, int]
) -> None:
    """Hold indices against the shape.

    Raises:
        ValueError: names what lies outside.
    """
    if name == "coo":
        if not len(values) == len(first) == len(second):
            raise ValueError(f"{len(values)} values with {len(first)} rows and {len(second)} columns")
        for indices, side in ((first, shape[0]), (second, shape[1])):
            _require_below(indices, side)
        return
    lines, width = shape if name == "csr" else shape[::-1]
    if len(second) != lines + 1 or len(values) != len(first):
        raise ValueError(f"{len(second)} pointers for {lines} lines, {len(values)} values for {len(first)} indices")
    pointers = second.astype(np.int64)
    if pointers[0] != 0 or pointers[-1] > len(first) or (np.diff(pointers) < 0).any():
        raise ValueError("its pointers do not count its values")
    _require_below(first, width)


def _require_below(indices: NDArray[Any], side: int) -> None:
    if len(indices) and (int(indices.min()) < 0 or int(indices.max()) >= side):
        raise ValueError(f"index {int(indices.min())} or {int(indices.max())} lies outside of 0 to {side - 1}")


def stored_array(archive: zipfile.ZipFile, name: str) -> NDArray[Any]:
    """An array of an `.npz` file, allocated only once its header agrees with the archive's size of it.

    Raises:
        ValueError: of an unknown version, of objects, too large, or cut off.
        KeyError: there is no array of that name.
    """
    info = archive.getinfo(f"{name}.npy")
    with archive.open(info) as file:
        version = np.lib.format.read_magic(file)
        if version not in HEADERS:
            raise ValueError(f"{name}: array of version {version}")
        shape, fortran, dtype = HEADERS[version](file)
        count = math.prod(shape)
        if dtype.hasobject or count < 0 or count * dtype.itemsize > LARGEST_ARRAY:
            raise ValueError(f"{name}: {shape} values of type {dtype}; at most {LARGEST_ARRAY} bytes are read")
        content = file.read(count * dtype.itemsize + 1)
    if len(content) != count * dtype.itemsize:
        raise ValueError(f"{name}: {len(content)} bytes for {shape} values of type {dtype}")
    return np.frombuffer(content, dtype).reshape(shape, order="F" if fortran else "C")
