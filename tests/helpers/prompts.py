"""A prompt of each kind, and noise to ask about."""

import numpy as np

from adapters import Points, Prompt

BOX = Prompt(box=np.array([8.0, 5, 60, 30]))
CLICK = Prompt(points=Points(np.array([[50.0, 12]]), np.array([1])))
CLICKS = Prompt(points=Points(np.array([[50.0, 12], [3.5, 40]]), np.array([1, 0])))
TEXT = Prompt(text="liver")


def picture(height: int, width: int) -> np.ndarray:
    return np.random.default_rng(height * width).integers(0, 256, (height, width, 3)).astype(np.uint8)


def image(height: int = 48, width: int = 90) -> np.ndarray:
    """A bright disc right of and above the middle on a dark, noisy ground."""
    y, x = np.mgrid[:height, :width]
    disc = np.hypot(x - 69 * width / 90, y - 16 * height / 48) < 10
    noise = np.random.default_rng(0).integers(0, 40, (height, width, 3))
    return (noise + 180 * disc[..., None]).astype(np.uint8)
