"""Pictures, objects and prompts for the checks on a GPU."""

import numpy as np
from numpy.typing import NDArray

from adapters import Points, Prompt

SIDE = 512


def picture(seed: int) -> NDArray[np.uint8]:
    """A smooth (512, 512, 3) picture with noise."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:SIDE, :SIDE] / SIDE
    wave = 127 + 90 * np.sin(x * rng.uniform(4, 9) + y * rng.uniform(2, 5))
    return (wave[..., None] * rng.uniform(0.5, 1, 3) + rng.uniform(0, 30, (SIDE, SIDE, 3))).astype(np.uint8)


def objects(seed: int, count: int) -> tuple[NDArray[np.bool_], NDArray[np.float32]]:
    """(count, 512, 512) ellipses and their (count, 4) tight boxes, whose ends are exclusive."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:SIDE, :SIDE]
    masks, boxes = [], []
    for _ in range(count):
        rx, ry = rng.uniform(10, 60, 2)
        cx, cy = rng.uniform(70, SIDE - 70, 2)
        mask = ((x - cx) / rx) ** 2 + ((y - cy) / ry) ** 2 < 1
        rows, columns = np.nonzero(mask)
        masks.append(mask)
        boxes.append([columns.min(), rows.min(), columns.max() + 1, rows.max() + 1])
    return np.stack(masks), np.array(boxes, np.float32)


def box_prompts(seed: int, count: int) -> list[Prompt]:
    """Tight boxes of ellipses."""
    return [Prompt(box=box) for box in objects(seed, count)[1]]


def click_prompts(seed: int, count: int) -> list[Prompt]:
    """One click in the middle of each ellipse."""
    boxes = objects(seed, count)[1]
    return [Prompt(points=Points([(box[:2] + box[2:]) / 2], [1])) for box in boxes]
