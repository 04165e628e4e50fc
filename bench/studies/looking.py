"""Do the mini networks look at the picture? Their Dice when the picture changes and the prompt does not.

A network that draws as well on another picture's embedding draws from the prompt alone, and no fault in reading,
windowing or encoding would show in its Dice.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import ndimage

from adapters.interface import Prompt, Segmenter
from bench import protocols
from bench.data import catalogue
from bench.data.case import DataError, Mask, class_of
from bench.data.slicing import samples, stretch
from bench.miniworld.folders import ZERO_SHOT
from bench.prompting.boxes import box
from bench.prompting.seeds import generator

Picture = NDArray[np.uint8]
BLUR_PX = 2.0
AT_ONCE = 32


@dataclass(frozen=True, slots=True, eq=False)
class BoxedTarget:
    """One object of one picture.

    Attributes:
        dataset, row: its data set, and the line of the table that its class belongs to.
        picture, other: (H, W) or (H, W, 3) uint8, its own picture and another one of the data set at that size.
        mask: (H, W) bool.
        box: (4,) tight x0, y0, x1, y1.
    """

    dataset: str
    row: str
    picture: Picture
    other: Picture
    mask: Mask
    box: NDArray[np.float32]


def own(target: BoxedTarget) -> Picture:
    """The target's own picture."""
    return target.picture


def swapped(target: BoxedTarget) -> Picture:
    """Another picture of the data set."""
    return target.other


def inverted(target: BoxedTarget) -> Picture:
    """Bright for dark."""
    return np.uint8(255) - target.picture


def blurred(target: BoxedTarget) -> Picture:
    """Smoothed over two pixels."""
    blur = (BLUR_PX, BLUR_PX, 0)[: target.picture.ndim]
    smooth: Picture = ndimage.gaussian_filter(target.picture, blur)
    return smooth


def shifted(target: BoxedTarget) -> Picture:
    """Moved right and down by half the box's sides; what leaves on one side comes in on the other."""
    x0, y0, x1, y1 = target.box
    shift = round(float(y1 - y0) / 2), round(float(x1 - x0) / 2)
    return np.roll(target.picture, shift, (0, 1))


CHANGES: dict[str, Callable[[BoxedTarget], Picture]] = {
    "own": own,
    "swapped": swapped,
    "inverted": inverted,
    "blurred": blurred,
    "shifted": shifted,
}


def targets(data: Path, names: Sequence[str] = ZERO_SHOT, limit: int | None = None) -> list[BoxedTarget]:
    """The objects of some data sets, with tight boxes.

    Args:
        data: the folder that holds them.
        names: of the data sets.
        limit: cases a data set.
    """
    found: list[BoxedTarget] = []
    for name in names:
        rows = {part: row for row, parts in catalogue.rows(name).items() for part in parts}
        pictures = list(_pictures(name, data, limit))
        for index, (picture, masks) in enumerate(pictures):
            other, _ = pictures[(index + len(pictures) // 2) % len(pictures)]
            other = stretch(other, picture.shape[:2])
            for label, mask in masks.items():
                row = rows.get(class_of(label), class_of(label))
                found.append(BoxedTarget(name, row, picture, other, mask, _tight(mask)))
    return found


def _pictures(name: str, data: Path, limit: int | None) -> Iterator[tuple[Picture, dict[str, Mask]]]:
    items, _ = catalogue.index(name, data, limit)
    for item in items:
        try:
            case = catalogue.read(item)
        except DataError:
            continue
        for sample in samples(case, protocols.load("bench")):
            yield sample.image, {label: mask for label, mask in sample.targets.items() if mask.any()}


def _tight(mask: Mask) -> NDArray[np.float32]:
    prompt = box(mask, protocols.load("bench"), generator("tight"))
    assert prompt.box is not None
    return prompt.box


def looking(model: Segmenter, found: Sequence[BoxedTarget], changes: Sequence[str] = tuple(CHANGES)) -> pd.DataFrame:
    """Mean Dice by data set, class and change of the picture.

    Args:
        model: takes boxes.
        found: from `targets`.
        changes: keys of `CHANGES`.

    Returns:
        Columns model, dataset, row, change, dice (0 to 1), targets (how many).
    """
    lines = [
        {"dataset": target.dataset, "row": target.row, "change": change, "dice": value}
        for change in changes
        for target, value in zip(found, _dice(model, found, CHANGES[change]), strict=True)
    ]
    grouped = pd.DataFrame(lines).groupby(["dataset", "row", "change"], sort=False)["dice"]
    table = grouped.agg(["mean", "size"]).reset_index().rename(columns={"mean": "dice", "size": "targets"})
    table.insert(0, "model", model.card.name)
    return table


def _dice(model: Segmenter, found: Sequence[BoxedTarget], change: Callable[[BoxedTarget], Picture]) -> Iterator[float]:
    for start in range(0, len(found), AT_ONCE):
        part = found[start : start + AT_ONCE]
        keys = [id(target) if change is shifted else id(target.picture) for target in part]
        shown = {key: change(target) for key, target in zip(keys, part, strict=True)}
        encoded = dict(zip(shown, model.encode(list(shown.values())), strict=True))
        requests = [(encoded[key], Prompt(box=target.box)) for key, target in zip(keys, part, strict=True)]
        for target, drawn in zip(part, model.decode(requests), strict=True):
            mask = drawn.mask.cpu().numpy()
            yield 2 * float((mask & target.mask).sum()) / float(mask.sum() + target.mask.sum())


def by_dataset(table: pd.DataFrame) -> pd.DataFrame:
    """Class means: one line per model and data set, one column per change."""
    means = table.groupby(["model", "dataset", "change"], sort=False)["dice"].mean()
    return means.unstack("change")
