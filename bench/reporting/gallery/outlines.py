"""Predictions ready to be looked at: image, target, prediction and prompt, all in pixels of the original image."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from skimage.measure import find_contours

from bench.data.case import Mask
from bench.prompting.clicks import next_click
from bench.prompting.prompt import Click
from bench.prompting.table import generator_for, prompt_of
from bench.protocols import Protocol
from bench.reporting.gallery.images import Image, Images
from bench.reporting.gallery.picks import Pick
from bench.reporting.scored_run import ScoredRun
from bench.store.masks import MaskShard
from bench.store.run_folder import predictions_path, targets_path

Outline = NDArray[np.float64]  # (N, 2) x, y; pixel (0, 0) covers 0..1 in both
Window = tuple[float, float, float]  # x, y, side of a square
ROOM = 2.2  # side of a close view, in sides of what it shows
LEAST = 0.35  # of the image's shorter side


@dataclass(frozen=True, slots=True)
class DrawnPrompt:
    """A prompt as it is drawn: edges of pixels for the box, centres for clicks.

    Attributes:
        box: x0, y0, x1, y1.
        clicks: x, y and 1 (foreground) or 0, in the order in which they were given.
        text: of a text prompt.
    """

    box: tuple[float, float, float, float] | None = None
    clicks: tuple[tuple[float, float, int], ...] = ()
    text: str | None = None


@dataclass(frozen=True, slots=True, eq=False)
class OutlinedPrediction:
    """One prediction.

    Attributes:
        pick: what it is of.
        image: (H, W) or (H, W, 3) uint8; None if the data are gone.
        target, prediction: outlines.
        prompt: what the model was given.
        shape: (H, W).
        window: the square around target, prediction and prompt.
    """

    pick: Pick
    image: Image | None
    target: Sequence[Outline]
    prediction: Sequence[Outline]
    prompt: DrawnPrompt
    shape: tuple[int, int]
    window: Window


def outlines(mask: Mask) -> list[Outline]:
    """Closed outlines of a (H, W) mask, corners cut by half a pixel."""
    if not mask.any():
        return []
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    part = np.pad(mask[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1], 1).astype(np.float32)
    corner = np.array([columns[0], rows[0]]) - 0.5  # -1 for the padding, 0.5 for the middle of a pixel
    return [_without_straight(line[:, ::-1]) + corner for line in find_contours(part, 0.5)]


def _without_straight(line: Outline) -> Outline:
    """The same closed line without points that lie on the way between their neighbours."""
    step = np.diff(line, axis=0)
    turns = step[:-1, 0] * step[1:, 1] != step[:-1, 1] * step[1:, 0]
    corners: Outline = line[np.concatenate([[True], turns, [True]])]
    return corners


def window(shape: tuple[int, int], points: NDArray[np.float64]) -> Window:
    """A square with room around the points; it may reach beyond the image.

    Args:
        shape: (H, W) of the image.
        points: (N, 2) x, y; without any the window holds the whole image.
    """
    if not len(points):
        return 0.0, 0.0, float(max(shape))
    low, high = points.min(axis=0), points.max(axis=0)
    side = min(max(ROOM * float((high - low).max()), LEAST * min(shape)), float(max(shape)))
    centre = (low + high) / 2
    limits = np.maximum(np.array(shape[::-1]) - side, 0)
    x, y = np.clip(centre - side / 2, 0, limits).tolist()
    return x, y, side


def outlined_predictions(
    run: ScoredRun, table: pd.DataFrame, picks: Sequence[Pick], images: Images
) -> list[OutlinedPrediction]:
    """The picks with their masks, prompts and images, in the same order.

    Args:
        run: the run.
        table: its `prompts.parquet`.
        picks: from `picks.select`.
        images: from `images.collect`.
    """
    keys = ["dataset", "case", "slice", "target", "prompt"]
    wanted = pd.DataFrame([[getattr(p, key) for key in keys] for p in picks], columns=keys).drop_duplicates()
    found = table.merge(wanted, on=keys)
    rows = {tuple(row[key] for key in keys): {str(k): v for k, v in row.items()} for row in found.to_dict("records")}
    protocol = run.protocol
    made: dict[int, OutlinedPrediction] = {}
    by_shard: dict[tuple[str, str, str], list[int]] = {}
    for number, pick in enumerate(picks):
        by_shard.setdefault((pick.model, pick.dataset, pick.case), []).append(number)
    for (model, dataset, case), numbers in by_shard.items():
        slices = {picks[number].slice for number in numbers}
        shard = MaskShard.load(predictions_path(run.folder, model, dataset, case))
        drawn = _masks(shard, ("slice", "target", "prompt", "round"), slices)
        given = {(e["slice"], e["target"], e["prompt"]) for e in shard.index if e.get("asked", True)}
        kept = MaskShard.load(targets_path(run.folder, dataset, case))
        targets = _masks(kept, ("slice", "target"), slices)
        for number in numbers:
            pick = picks[number]
            key = (pick.slice, pick.target, pick.prompt)
            row = rows[(dataset, case, *key)] if key in given else None  # a mask may come from another slice's prompt
            image = images.found.get((dataset, case, pick.slice))
            made[number] = _outlined(pick, row, protocol, drawn, targets[pick.slice, pick.target], image)
    return [made[number] for number in range(len(picks))]


Masks = dict[tuple[Any, ...], Mask]


def _masks(shard: MaskShard, key: Sequence[str], slices: Collection[int]) -> Masks:
    places = [place for place, row in enumerate(shard.index) if row["slice"] in slices]
    pairs = ((shard.index[place], shard.masks[place]) for place in places)
    return {tuple(row[name] for name in key): mask for row, mask in pairs if mask is not None}


def _outlined(
    pick: Pick, row: Mapping[str, Any] | None, protocol: Protocol, drawn: Masks, target: Mask, image: Image | None
) -> OutlinedPrediction:
    mask = drawn[pick.slice, pick.target, pick.prompt, pick.round]
    prompt = drawn_prompt(pick, row, protocol, drawn, target) if row else DrawnPrompt(None, (), None)
    lines, predicted = outlines(target), outlines(mask)
    shape = (mask.shape[0], mask.shape[1])
    points = [*lines, *predicted, np.array([click[:2] for click in prompt.clicks]).reshape(-1, 2)]
    points += [np.reshape(prompt.box, (2, 2))] if prompt.box else []
    return OutlinedPrediction(pick, image, lines, predicted, prompt, shape, window(shape, np.concatenate(points)))


def drawn_prompt(pick: Pick, row: Mapping[str, Any], protocol: Protocol, drawn: Masks, target: Mask) -> DrawnPrompt:
    """The prompt behind a prediction.

    The first one is stored; later clicks follow from the stored masks by the protocol's rule. With a working resolution
    they would follow from masks on another grid, so that only the first one is drawn.

    Args:
        pick: the prediction.
        row: its row of `prompts.parquet`.
        protocol: of the run.
        drawn: masks of the model on the case, by (slice, target, prompt, round).
        target: (H, W) bool.
    """
    across, down = target.shape[1] / row["width"], target.shape[0] / row["height"]
    prompt = prompt_of(row)
    box = None
    if prompt.box is not None:
        x0, y0, x1, y1 = map(float, prompt.box)
        past = 1 if protocol.box_inclusive else 0
        box = (x0 * across, y0 * down, (x1 + past) * across, (y1 + past) * down)
    clicks = list(prompt.clicks)
    if protocol.working_resolution is None:
        _correct(clicks, pick, row["seed"], protocol, drawn, target)
    placed = tuple(((x + 0.5) * across, (y + 0.5) * down, label) for x, y, label in clicks)
    return DrawnPrompt(box, placed, prompt.text)


def _correct(clicks: list[Click], pick: Pick, seed: int, protocol: Protocol, drawn: Masks, target: Mask) -> None:
    """Add the clicks of the later rounds, in the way that the run drew them."""
    for number in range(1, pick.round):
        mask = drawn[pick.slice, pick.target, pick.prompt, number]
        key = (seed, pick.dataset, pick.case, pick.slice, pick.target, pick.prompt, number + 1)
        click = next_click(target, mask, protocol, generator_for(*key), clicks)
        if click is not None:
            clicks.append(click)
