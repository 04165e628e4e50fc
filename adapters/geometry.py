"""Resizing images, coordinates and masks between the original pixel grid and a network's square input.

The only module of the project that resizes anything. Sizes are (height, width), coordinates (x, y).
"""

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image as Picture
from skimage.transform import resize
from torch.nn import functional as F

Size: TypeAlias = tuple[int, int]
Mask: TypeAlias = NDArray[np.bool_]
Pixels: TypeAlias = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Frame:
    """Where an image lies in the network's input.

    Attributes:
        original: size of the image.
        content: size that the image takes in the input; what remains is padding.
        side: height and width of the input.
        corner: (top, left) of the content in the input.
    """

    original: Size
    content: Size
    side: int
    corner: tuple[int, int] = (0, 0)

    def scale(self, xy: NDArray[np.float32]) -> NDArray[np.float32]:
        """Coordinates (..., 2) of the original image in the input: scaled, neither rounded nor shifted."""
        (height, width), (content_height, content_width) = self.original, self.content
        factors = np.array([content_width / width, content_height / height])
        return np.asarray(xy * factors + self.corner[::-1], np.float32)


def fit(original: Size, side: int) -> Frame:
    """The long side fills the input, the aspect is kept, the rest is padding to the right or at the bottom.

    Sides are rounded half up as in SAM's `ResizeLongestSide`, but never to zero.
    """
    scale = side / max(original)
    height, width = (max(1, int(length * scale + 0.5)) for length in original)
    return Frame(original, (height, width), side)


def squash(original: Size, side: int) -> Frame:
    """The image fills the whole input; its aspect is not kept."""
    return Frame(original, (side, side), side)


def centre(original: Size, side: int) -> Frame:
    """An image no larger than the input, at its own size in the middle; odd padding has the longer end last."""
    height, width = original
    return Frame(original, original, side, ((side - height) // 2, (side - width) // 2))


def resize_bilinear(image: Pixels, size: Size) -> Pixels:
    """An (H, W) or (H, W, 3) image by Pillow's bilinear filter, smoothed when it shrinks, rounded to uint8."""
    height, width = size
    return np.array(Picture.fromarray(image).resize((width, height), Picture.Resampling.BILINEAR))


def resize_bicubic(image: Pixels, size: Size) -> Pixels:
    """An (H, W) or (H, W, 3) image by Pillow's bicubic filter, smoothed when it shrinks, rounded to uint8."""
    height, width = size
    return np.array(Picture.fromarray(image).resize((width, height), Picture.Resampling.BICUBIC))


def resize_cubic(image: Pixels, size: Size) -> Pixels:
    """An (H, W, 3) image by scikit-image's cubic splines, smoothed when it shrinks, cut to uint8 as in MedSAM.

    MedSAM hands over the three channels at once, which scikit-image takes for a volume: splines also run across the
    channels and are clipped to the range of all three. For a grey image one channel gives the same pixels in a fifth of
    the time; a colour image is resized exactly as in MedSAM.
    """
    grey = (image == image[..., :1]).all()
    splines = resize(image[..., 0] if grey else image, size, order=3, preserve_range=True, anti_aliasing=True)
    cut: Pixels = splines.astype(np.uint8)
    return np.repeat(cut[..., None], 3, axis=2) if grey else cut


def resize_unit(image: torch.Tensor, size: Size) -> torch.Tensor:
    """A float (C, H, W) image by torch's bilinear filter, smoothed when it shrinks."""
    return F.interpolate(image[None], size, mode="bilinear", align_corners=False, antialias=True)[0]


def resize_bilinear_torch(image: torch.Tensor, size: Size) -> torch.Tensor:
    """A uint8 (C, H, W) image by torch's bilinear filter, smoothed when it shrinks; not Pillow's grey levels."""
    return F.interpolate(image[None], size, mode="bilinear", align_corners=False, antialias=True)[0]


def resize_nearest_cv2(image: Pixels, size: Size) -> Pixels:
    """An (H, W) or (H, W, 3) image by OpenCV's INTER_NEAREST.

    Each output pixel takes the input pixel at its top-left corner, rounded down.
    """
    rows, columns = (np.arange(new) * old // new for old, new in zip(image.shape[:2], size, strict=True))
    resized: Pixels = image[rows[:, None], columns]
    return resized


def resize_nearest_pillow(image: Pixels, size: Size) -> Pixels:
    """An (H, W) or (H, W, 3) image by Pillow's NEAREST: each output pixel takes the input pixel below its centre."""
    height, width = size
    return np.array(Picture.fromarray(image).resize((width, height), Picture.Resampling.NEAREST))


def pad(image: torch.Tensor, side: int) -> torch.Tensor:
    """A (C, h, w) image with zeros to the right and at the bottom up to (C, side, side)."""
    height, width = image.shape[-2:]
    return F.pad(image, (0, side - width, 0, side - height))


def place(image: torch.Tensor, frame: Frame) -> torch.Tensor:
    """A (C, h, w) image of the frame's content size in (C, side, side) zeros."""
    (top, left), (height, width) = frame.corner, frame.content
    return F.pad(image, (left, frame.side - left - width, top, frame.side - top - height))


def to_original(values: torch.Tensor, frame: Frame) -> torch.Tensor:
    """Low-resolution values (N, h, w) of a squashed image on its original grid (N, H, W), in one step."""
    return _bilinear(values, frame.original)


def to_original_by_input(values: torch.Tensor, frame: Frame) -> torch.Tensor:
    """Low-resolution values (N, h, w) on the original grid (N, H, W): up to the input, padding off, then back."""
    (top, left), (height, width) = frame.corner, frame.content
    values = _bilinear(values, (frame.side, frame.side))
    return _bilinear(values[:, top : top + height, left : left + width], frame.original)


def _bilinear(values: torch.Tensor, size: Size) -> torch.Tensor:
    return F.interpolate(values[None].float(), size, mode="bilinear", align_corners=False)[0]
