"""2-D pictures of any mode as plain arrays."""

import warnings
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from bench.data.case import DataError
from bench.data.reading.nifti import place

ENDINGS = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff")
UNREADABLE = (OSError, SyntaxError, ValueError, EOFError, UnidentifiedImageError, Image.DecompressionBombError)
COLOUR = {"P": "RGB", "PA": "RGB", "RGBA": "RGB", "CMYK": "RGB", "YCbCr": "RGB", "LA": "L", "La": "L", "RGBa": "RGB"}
DEEP = ("I", "F")


def read_picture(path: Path) -> NDArray[Any]:
    """An image: (H, W) of its own depth, or (H, W, 3) uint8; alpha dropped, palettes resolved, 1 bit as 0/255.

    Raises:
        DataError: not a picture, or a damaged one.
    """
    picture = _open(path)
    if picture.mode == "1":
        return np.asarray(picture.convert("L"))
    if picture.mode.startswith(DEEP):
        return np.asarray(picture)
    return np.asarray(picture.convert(COLOUR.get(picture.mode, picture.mode)))


def read_label_picture(path: Path) -> NDArray[Any]:
    """A label picture (H, W) of numbers: palettes give their indices, grey RGB its grey, 1 bit 0/1.

    Raises:
        DataError: not a picture, a damaged one, or a coloured one.
    """
    picture = _open(path)
    if picture.mode in ("1", "L", "P") or picture.mode.startswith(DEEP):
        return np.asarray(picture)
    if picture.mode in ("PA", "LA", "La"):
        return np.asarray(picture)[..., 0]
    values = np.asarray(picture.convert("RGB"))
    if (values != values[..., :1]).any():
        raise DataError(f"{place(path)}: a {picture.mode} label whose channels differ; save grey values or ids")
    return values[..., 0]


def _open(path: Path) -> Image.Image:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            picture = Image.open(path)
            picture.load()
    except UNREADABLE as error:
        raise DataError(f"{place(path)}: cannot be read ({type(error).__name__}: {error})") from error
    return picture
