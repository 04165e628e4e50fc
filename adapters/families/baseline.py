"""Baselines that need neither network nor weights: what a box alone reveals.

Column c of an image is inside a box if its centre is, x0 <= c + 0.5 < x1, rows alike. So a box that ends one past
the last foreground pixel, such as [x0, x1), fills exactly the columns x0..x1-1.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from skimage.filters import threshold_otsu

from adapters.geometry import Frame
from adapters.interface import Card, Image, Prediction, Prompt, check_image, check_prompt
from adapters.precision import Precision


@dataclass(frozen=True, slots=True, eq=False)
class GreyImage:
    """A grey image: (H, W) float32, and its frame, which changes nothing."""

    grey: NDArray[np.float32]
    frame: Frame


class BaselineSegmenter:
    """A rule that turns a box into a mask, behind the `Segmenter` interface."""

    @staticmethod
    def build(variant: str) -> torch.nn.Module:
        """A network without parameters."""
        return torch.nn.Module()

    def __init__(self, card: Card, network: torch.nn.Module, device: torch.device, precision: Precision) -> None:
        self.card = card
        self.network = network
        self.device = device

    def rule(self, grey: NDArray[np.float32], box: NDArray[np.float32]) -> NDArray[np.bool_]:
        """The mask of one box; what a rule of another package replaces.

        Args:
            grey: (H, W) in 0..255.
            box: (4,) x0, y0, x1, y1 on the image.

        Returns:
            (H, W).
        """
        return {"box": filled, "ellipse": ellipse, "otsu": otsu}[self.card.name.partition("/")[2]](grey, box)

    def encode(self, images: Sequence[Image]) -> list[GreyImage]:
        """Grey images, see `Segmenter.encode`."""
        greys = [check_image(image).mean(axis=2, dtype=np.float32) for image in images]
        return [GreyImage(grey, Frame(grey.shape, grey.shape, max(grey.shape))) for grey in greys]

    def decode(
        self, requests: Sequence[tuple[GreyImage, Prompt]], *, multimask: bool | None = None
    ) -> list[Prediction]:
        """One prediction per request, see `Segmenter.decode`; there is only ever one candidate."""
        for encoded, prompt in requests:
            check_prompt(self.card, prompt, *encoded.frame.original)
        return [
            self._prediction(self.rule(encoded.grey, prompt.box))
            for encoded, prompt in requests
            if prompt.box is not None
        ]

    def masks(self, encoded: GreyImage, logits: torch.Tensor) -> torch.Tensor:
        """Logits (C, H, W) as (C, H, W) bool masks."""
        return logits > 0

    def _prediction(self, drawn: NDArray[np.bool_]) -> Prediction:
        mask = torch.from_numpy(drawn).to(self.device)
        logits = mask.float() * 2 - 1
        nothing = torch.full((1,), float("nan"), device=self.device)
        return Prediction(mask, float("nan"), logits, None, logits[None], nothing, 0)


def filled(grey: NDArray[np.float32], box: NDArray[np.float32]) -> NDArray[np.bool_]:
    """All pixels of the box."""
    y, x = _centres(grey)
    x0, y0, x1, y1 = box
    return (x0 <= x) & (x < x1) & (y0 <= y) & (y < y1)


def ellipse(grey: NDArray[np.float32], box: NDArray[np.float32]) -> NDArray[np.bool_]:
    """The pixels of the largest ellipse in the box."""
    y, x = _centres(grey)
    x0, y0, x1, y1 = box.astype(np.float64)
    across, down = (x1 - x0) / 2, (y1 - y0) / 2
    # Multiplied out, so that a box without width or height does not divide by zero.
    reach = ((x - x0 - across) * down) ** 2 + ((y - y0 - down) * across) ** 2
    return filled(grey, box) & (reach <= (across * down) ** 2)


def otsu(grey: NDArray[np.float32], box: NDArray[np.float32]) -> NDArray[np.bool_]:
    """The brighter or darker part of the box by Otsu's threshold, whichever lies nearer to the box's centre on average.

    A box without contrast is filled.
    """
    inside = filled(grey, box)
    values = grey[inside]
    if not len(values) or values.min() == values.max():
        return inside
    bright = grey > threshold_otsu(values)
    sides = (inside & bright, inside & ~bright)
    distance = _distance_to_centre(grey, box)
    return min(sides, key=lambda side: distance[side].mean())


def _distance_to_centre(grey: NDArray[np.float32], box: NDArray[np.float32]) -> NDArray[np.float64]:
    y, x = _centres(grey)
    x0, y0, x1, y1 = box
    return np.hypot(x - (x0 + x1) / 2, y - (y0 + y1) / 2)


def _centres(grey: NDArray[np.float32]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    height, width = grey.shape
    return np.arange(0.5, height)[:, None], np.arange(0.5, width)[None, :]
