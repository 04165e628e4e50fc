"""2-D pictures of any mode as plain arrays."""

import io
import warnings
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from bench.data.case import DataError
from bench.data.reading.opening import place, read_bytes
from bench.data.reading.values import known_labels

ENDINGS = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff")
UNREADABLE = (
    OSError, SyntaxError, ValueError, EOFError, KeyError, IndexError, TypeError, OverflowError, MemoryError,
    UnidentifiedImageError, Image.DecompressionBombError,
)  # fmt: skip
COLOUR = {"P": "RGB", "PA": "RGB", "RGBA": "RGB", "CMYK": "RGB", "YCbCr": "RGB", "LA": "L", "La": "L", "RGBa": "RGB"}
TRANSPARENT = ("RGBA", "LA", "La", "RGBa", "PA")
DEEP = ("I", "F")
MOST_BLACK, LEAST_WHITE = 8, 128
BLACK, WHITE = (0, 0, 0), (255, 255, 255)


def read_picture(path: Path) -> NDArray[Any]:
    """An image: (H, W) of its own depth, or (H, W, 3) uint8; alpha dropped, palettes resolved, 1 bit as 0/255.

    It is turned as its EXIF orientation says, which is how viewers show it and masks are drawn on it.

    Raises:
        DataError: not a picture, a damaged one, one of several pages; not a regular file of the data folder.
    """
    picture = _open(path)
    if picture.mode == "1":
        return np.asarray(picture.convert("L"))
    if picture.mode.startswith(DEEP):
        return _native(np.asarray(picture))
    return np.asarray(picture.convert(COLOUR.get(picture.mode, picture.mode)))


def read_label_picture(path: Path) -> tuple[NDArray[Any], tuple[str, ...]]:
    """A label picture (H, W) of numbers, and warnings: grey RGB gives its grey, 1 bit bool, palettes see `_indices`.

    Raises:
        DataError: not a picture, a damaged one, a coloured one, one drawn in its transparency, one of several pages, a
            palette whose indices are no ids; not a regular file of the data folder.
    """
    picture = _open(path)
    _require_opaque(path, picture)
    if picture.format == "JPEG":
        return _lossy(path, np.asarray(picture.convert("L")))
    if picture.mode in ("P", "PA"):
        return _indices(path, picture), ()
    if picture.mode in ("1", "L") or picture.mode.startswith(DEEP):
        return known_labels(_native(np.asarray(picture)), place(path))
    if picture.mode in ("LA", "La"):
        return np.asarray(picture)[..., 0], ()
    values = np.asarray(picture.convert("RGB"))
    if (values != values[..., :1]).any():
        raise DataError(f"{place(path)}: a {picture.mode} label whose channels differ; save grey values or ids")
    return values[..., 0], ()


def _require_opaque(path: Path, picture: Image.Image) -> None:
    """Refuse a label that is drawn in its transparency, which is dropped otherwise.

    Raises:
        DataError: values differ from 0 where the picture is transparent, or its transparency alone is not constant.
    """
    if picture.mode not in TRANSPARENT:
        return
    *channels, alpha = picture.split()
    clear = np.asarray(alpha) < 255
    value = np.max([np.asarray(channel) for channel in channels], axis=0)
    if (value[clear] > 0).any() or (clear.any() and not clear.all() and not value.any()):
        raise DataError(
            f"{place(path)}: {np.count_nonzero(clear)} pixels are transparent, and whether they are foreground cannot "
            "be told; save grey values or ids without transparency"
        )


def _lossy(path: Path, grey: NDArray[Any]) -> tuple[NDArray[Any], tuple[str, ...]]:
    """The grey levels of a JPEG label without the noise that compression leaves on black."""
    if 0 < grey.max(initial=0) < LEAST_WHITE:
        raise DataError(
            f"{place(path)}: a JPEG label with values up to {grey.max()}: compression changes ids; save it as PNG"
        )
    noise = np.count_nonzero((grey > 0) & (grey <= MOST_BLACK))
    said = f"{place(path)}: a JPEG label; {noise} values up to {MOST_BLACK} are taken as black"
    return np.where(grey <= MOST_BLACK, 0, grey), (said,) if noise else ()


def _indices(path: Path, picture: Image.Image) -> NDArray[Any]:
    """The label values of a palette picture.

    Indices are ids if index 0, the background, is black. A picture of black and white alone otherwise has the grey
    levels 0 and 255.

    Raises:
        DataError: index 0 has another colour, so that the background is not known.
    """
    indices = np.asarray(picture if picture.mode == "P" else picture.getchannel(0))
    flat = picture.getpalette("RGB") or []
    colours = [tuple(flat[3 * number : 3 * number + 3]) for number in range(len(flat) // 3)]
    shown = {colours[number] if number < len(colours) else BLACK for number in np.unique(indices).tolist()}
    white_far = WHITE in shown and colours.index(WHITE) > 1
    if shown <= {BLACK, WHITE} and (colours[0] != BLACK or white_far):
        return np.asarray(picture.convert("RGB"))[..., 0]
    if colours and colours[0] != BLACK:
        raise DataError(
            f"{place(path)}: a palette whose index 0 has the colour {colours[0]}, not black: which value is background "
            "is not known; save the ids as grey values"
        )
    return indices


def _native(values: NDArray[Any]) -> NDArray[Any]:
    return values.astype(values.dtype.newbyteorder("="), copy=False)


def _open(path: Path) -> Image.Image:
    raw = read_bytes(path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            picture = Image.open(io.BytesIO(raw))
            pages = getattr(picture, "n_frames", 1)
            if pages > 1:
                raise DataError(
                    f"{place(path)}: {pages} pages; save each slice as a picture of its own, or a NIfTI volume"
                )
            picture.load()
            turned = ImageOps.exif_transpose(picture)
            turned.format = picture.format
            return turned
    except DataError:
        raise
    except UNREADABLE as error:
        raise DataError(f"{place(path)}: cannot be read ({type(error).__name__}: {error})") from error
