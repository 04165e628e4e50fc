"""A prompt of each kind, and noise to ask about."""

import numpy as np

from adapters import Points, Prompt
from adapters.contract import image

__all__ = ["BOX", "CLICK", "CLICKS", "TEXT", "image", "picture"]
BOX = Prompt(box=np.array([8.0, 5, 60, 30]))
CLICK = Prompt(points=Points(np.array([[50.0, 12]]), np.array([1])))
CLICKS = Prompt(points=Points(np.array([[50.0, 12], [3.5, 40]]), np.array([1, 0])))
TEXT = Prompt(text="liver")


def picture(height: int, width: int) -> np.ndarray:
    return np.random.default_rng(height * width).integers(0, 256, (height, width, 3)).astype(np.uint8)
