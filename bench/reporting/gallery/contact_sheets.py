"""Predictions drawn on their images: the worst of every model, and the same random objects for all."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from textwrap import shorten

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from numpy.typing import NDArray

from bench.reporting.figures import style
from bench.reporting.figures.picture import Absent, Picture
from bench.reporting.gallery.outlines import Outline, OutlinedPrediction, Window
from bench.reporting.scored_run import ScoredRun

INCHES = 1.25  # side of one view
SIDE = 160  # of one view, in pixels of the figure's picture
COLUMNS = 5  # worst predictions of a model
ROWS = 6  # random objects
GAP = 0.06  # between views, in sides
LINE = 0.22  # height of the text above a view, in sides
COLOURS = "Target: blue; prediction: pink, dashed; prompt: yellow (a box, + foreground click, x background click)."

ORACLE = "Drawn is the model's own choice; the Dice is that of its best candidate, as the protocol wants."


def galleries(run: ScoredRun, views: Sequence[OutlinedPrediction], kind: str) -> Iterator[Picture | Absent]:
    """Two figures of one prompt: worst predictions (one row per model) and random objects (one column per model)."""
    mine = [view for view in views if view.pick.prompt == kind]
    for why, title, arrange in (
        ("worst", "Worst predictions of each model", _by_model),
        ("random", "Random objects", _by_object),
    ):
        chosen = [view for view in mine if view.pick.why == why]
        name = f"gallery-{why}-{kind}"
        if not chosen:
            yield Absent(name, title, f"no prediction of prompt {kind} has a defined Dice")
            continue
        grid, text = arrange(chosen, run.models)
        black = sum(view.image is None for view in grid.values())
        gone = f"{black} of {len(grid)} images are black: the data could not be read again." if black else ""
        oracle = ORACLE if run.protocol.selection == "oracle" else ""
        note = run.note([kind], " ".join(filter(None, [text, COLOURS, oracle, gone])))
        figure = _figure(grid)
        style.finish(figure, f"{title}, prompt {kind}", note)
        yield Picture(name, f"{title}, prompt {kind}", note, _words(title, grid), figure)


Arrangement = dict[tuple[int, int], OutlinedPrediction]  # row, column


def _by_model(views: Sequence[OutlinedPrediction], models: Sequence[str]) -> tuple[Arrangement, str]:
    grid: Arrangement = {}
    rows = [model for model in models if any(view.pick.model == model for view in views)]
    for row, model in enumerate(rows):
        ordered = sorted((v for v in views if v.pick.model == model), key=lambda v: v.pick.dice)[:COLUMNS]
        grid |= {(row, column): view for column, view in enumerate(ordered)}
    return grid, "Lowest Dice of each model over all data sets, one slice per object."


def _by_object(views: Sequence[OutlinedPrediction], models: Sequence[str]) -> tuple[Arrangement, str]:
    """As many objects of each data set as fit, the same for all models."""
    objects: dict[str, list[tuple[str, int, str]]] = {}
    for view in views:
        mine = objects.setdefault(view.pick.dataset, [])
        one = (view.pick.case, view.pick.slice, view.pick.target)
        if one not in mine:
            mine.append(one)
    each = max(1, ROWS // len(objects))
    rows = [(dataset, *one) for dataset, mine in objects.items() for one in mine[:each]][:ROWS]
    columns = [model for model in models if any(view.pick.model == model for view in views)]
    grid = {}
    for view in views:
        key = (view.pick.dataset, view.pick.case, view.pick.slice, view.pick.target)
        if key in rows:
            grid[rows.index(key), columns.index(view.pick.model)] = view
    for row in range(len(rows)):
        cells = [key for key in grid if key[0] == row]
        shared = square([grid[key].window for key in cells])
        grid |= {key: replace(grid[key], window=shared) for key in cells}
    left = sorted(set(objects) - {row[0] for row in rows})
    left_out = f" No room for {', '.join(left)}." if left else ""
    return grid, f"Objects drawn at random from each data set, the same, at the same scale, for all models.{left_out}"


def square(windows: Sequence[Window]) -> Window:
    """The smallest square around all of them, with the same centre as their bounding box."""
    corners = np.array([[(x, y), (x + side, y + side)] for x, y, side in windows])
    low, high = corners[:, 0].min(axis=0), corners[:, 1].max(axis=0)
    side = float((high - low).max())
    x, y = ((low + high - side) / 2).tolist()
    return x, y, side


def _figure(grid: Arrangement) -> Figure:
    """All views in one picture with one collection per colour: a hundred axes would take seconds."""
    rows, columns = (1 + max(key[axis] for key in grid) for axis in (0, 1))
    width, height = columns * (1 + GAP), rows * (1 + LINE + GAP)
    figure, (ax,) = style.panels(1, width * INCHES, height * INCHES)
    canvas = np.full((round(height * SIDE), round(width * SIDE), 3), 255, np.uint8)
    places = {key: (key[1] * (1 + GAP), key[0] * (1 + LINE + GAP) + LINE) for key in grid}
    for key, view in grid.items():
        left, top = (round(SIDE * part) for part in places[key])
        canvas[top : top + SIDE, left : left + SIDE] = crop(view, SIDE)
        _words_above(ax, view, *places[key])
    ax.imshow(canvas, extent=(0, width, height, 0), interpolation="nearest")
    _lines(ax, [(view, places[key]) for key, view in grid.items()])
    ax.set(xlim=(0, width), ylim=(height, 0), aspect="equal")
    ax.axis("off")
    return figure


def crop(view: OutlinedPrediction, side: int) -> NDArray[np.uint8]:
    """(side, side, 3) what the view's window shows of the image, nearest pixels; black outside and where it is gone."""
    x, y, reach = view.window
    if view.image is None:
        return np.zeros((side, side, 3), np.uint8)
    at = (np.arange(side) + 0.5) * reach / side
    columns, rows = np.floor(x + at).astype(int), np.floor(y + at).astype(int)
    height, width = view.shape
    inside = ((rows >= 0) & (rows < height))[:, None] & ((columns >= 0) & (columns < width))
    seen = view.image[np.ix_(rows.clip(0, height - 1), columns.clip(0, width - 1))]
    coloured = seen if seen.ndim == 3 else np.repeat(seen[..., None], 3, axis=2)
    return np.where(inside[..., None], coloured, 0).astype(np.uint8)


Point = tuple[float, float]


def _lines(ax: Axes, views: Sequence[tuple[OutlinedPrediction, Point]]) -> None:
    """Outlines and prompts of all views; the windows hold all of them."""
    kinds: tuple[tuple[str, Callable[[OutlinedPrediction], Sequence[Outline]], object, float], ...] = (
        (style.PROMPT, lambda view: [_corners(view)] if view.prompt.box else [], "-", 0.8),
        (style.TARGET, lambda view: view.target, "-", 1.1),
        (style.PREDICTION, lambda view: view.prediction, (0, (2.5, 1)), 1.1),
    )
    for colour, lines_of, dash, width in kinds:
        lines = [_placed(line, view, place) for view, place in views for line in lines_of(view)]
        ax.add_collection(LineCollection(lines, colors=colour, linestyles=[dash], linewidths=width), autolim=False)
    for label, marker in ((1, "+"), (0, "x")):
        points = [
            _placed(np.array(c[:2]), view, place) for view, place in views for c in view.prompt.clicks if c[2] == label
        ]
        if points:
            ax.plot(*np.array(points).T, marker, color=style.PROMPT, markersize=5)


def _corners(view: OutlinedPrediction) -> Outline:
    x0, y0, x1, y1 = view.prompt.box or (0.0, 0.0, 0.0, 0.0)
    return np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1], [x0, y0]])


def _placed(points: Outline, view: OutlinedPrediction, place: Point) -> Outline:
    """Pixels of the image to the unit square at `place`."""
    x, y, side = view.window
    return (points - (x, y)) / side + place


def _words_above(ax: Axes, view: OutlinedPrediction, left: float, top: float) -> None:
    lines = f"{view.pick.model}  {100 * view.pick.dice:.1f}\n{shorten(view.pick.label, 28, placeholder='…')}"
    ax.text(left, top - 0.03, lines, fontsize=5.5, va="bottom", linespacing=1.0, parse_math=False)


def _words(title: str, grid: Arrangement) -> str:
    texts = [f"{v.pick.model} on {v.pick.dataset} {v.pick.label} {100 * v.pick.dice:.1f}" for v in grid.values()]
    return f"{title}, drawn on their images, with Dice in percent: {'; '.join(texts)}."
