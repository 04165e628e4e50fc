"""The looks of all figures: a model has the same colour and marker everywhere, and none is told by colour alone."""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from textwrap import fill
from typing import Literal, TypeAlias

import numpy as np
import seaborn
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.colors import to_hex, to_rgb
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

# Colours by Okabe and Ito (2008), told apart with every kind of colour vision; the baselines are greys.
BLACK, ORANGE, SKY, GREEN, BLUE, VERMILLION, PURPLE = (
    "#000000", "#E69F00", "#56B4E9", "#009E73", "#0072B2", "#D55E00", "#CC79A7",
)  # fmt: skip
FAMILIES: Mapping[str, tuple[str, str]] = {
    "sam": (BLUE, "o"),
    "sam2": (SKY, "s"),
    "medsam": (GREEN, "^"),
    "huang": (ORANGE, "v"),
    "sam-med2d": (PURPLE, "D"),
    "imis": (BLACK, "P"),
    "segmote": (VERMILLION, "*"),
}
BASELINES: Mapping[str, tuple[str, str]] = {
    "baseline/box": ("#4D4D4D", "x"),
    "baseline/ellipse": ("#7A7A7A", "+"),
    "baseline/otsu": ("#A3A3A3", "1"),
}
OTHERS = (("#882255", "X"), ("#999933", "h"), ("#332288", "<"), ("#117733", ">"), ("#661100", "p"))  # Tol, muted
Line: TypeAlias = Literal["-", "--", "-.", ":"]
LINES: tuple[Line, ...] = ("-", "--", "-.", ":")
TARGET, PREDICTION, PROMPT = "#00D5FF", "#FF4DA6", "#FFD500"  # outlines, on grey images


@dataclass(frozen=True, slots=True)
class Look:
    """How a model is drawn.

    Attributes:
        colour: hexadecimal, of its family; further variants of a family are lighter.
        marker: matplotlib's, of its family.
        line: "--" and so on for further variants of a family.
    """

    colour: str
    marker: str
    line: Line

    @property
    def ink(self) -> str:
        """Black or white, whichever is read better on the colour."""
        red, green, blue = to_rgb(self.colour)
        return "white" if 0.299 * red + 0.587 * green + 0.114 * blue < 0.55 else "black"


def looks(models: Sequence[str]) -> dict[str, Look]:
    """A look for each model; the same for a given model in every run that has the same variants of its family."""
    families = dict(FAMILIES)
    unknown = sorted({family(name) for name in models} - {*families, "baseline"})
    families |= {name: OTHERS[number % len(OTHERS)] for number, name in enumerate(unknown)}
    found = {}
    for model in models:
        if model in BASELINES:
            found[model] = Look(*BASELINES[model], ":")
            continue
        colour, marker = families.get(family(model), ("#404040", "."))
        place = sorted(name for name in models if family(name) == family(model)).index(model)
        found[model] = Look(_lighter(colour, place), marker, LINES[place % len(LINES)])
    return found


def family(model: str) -> str:
    """The part of a model's name before the slash."""
    return model.partition("/")[0]


def _lighter(colour: str, steps: int) -> str:
    share = min(0.25 * steps, 0.6)
    red, green, blue = (part * (1 - share) + share for part in to_rgb(colour))
    return to_hex((red, green, blue))


def blank(width: float, height: float) -> Figure:
    """An empty figure of that many inches, without any state shared with other figures."""
    with styled():
        return Figure(figsize=(width, height), layout="constrained")


def styled() -> AbstractContextManager[None]:
    """Settings within which axes are made."""
    theme = seaborn.axes_style("whitegrid") | seaborn.plotting_context("paper")
    ours = {"axes.edgecolor": "#808080", "grid.color": "#E4E4E4", "axes.linewidth": 0.8}
    return rc_context(theme | ours)


def panels(
    count: int, width: float, height: float, columns: int = 3, share_y: bool = True
) -> tuple[Figure, list[Axes]]:
    """A figure with `count` axes of that many inches in rows of `columns`."""
    columns = min(columns, count)
    rows = -(-count // columns)
    figure = blank(columns * width, rows * height)
    with styled():
        grid = figure.subplots(rows, columns, squeeze=False, sharey=share_y)
    axes = list(grid.ravel())
    for empty in axes[count:]:
        empty.remove()
    return figure, axes[:count]


def name(ax: Axes, title: str) -> None:
    """The name of a panel."""
    ax.set_title(title, fontsize=9)


def percents(axes: Iterable[Axes], values: Iterable[float]) -> None:
    """The same y axis for all panels: whole tens around the values, within 0 to 100.

    Args:
        axes: of one figure.
        values: percent, everything that is drawn; NaN is ignored.
    """
    known = [value for value in values if not np.isnan(value)]
    low = max(0, 10 * np.floor(min(known) / 10)) if known else 0
    high = min(100, 10 * np.ceil(max(known) / 10)) if known else 100
    for ax in axes:
        ax.set_ylim(low - 1, max(high, low + 10) + 1)


def finish(figure: Figure, title: str, note: str, entries: Mapping[str, Look] | None = None) -> None:
    """Title and legend above the axes, and what a reader must know below; the figure grows by their height.

    Args:
        figure: from `panels`.
        title, note: wrapped to the figure's width.
        entries: of the legend, a model each.
    """
    width, height = figure.get_size_inches()
    text, below = fill(title, int(10 * width)), fill(note, int(19 * width))
    columns = max(1, int(width / 1.45))
    rows = -(-len(entries or {}) // columns)
    top = 0.1 + 0.2 * (1 + text.count("\n")) + 0.2 * rows
    bottom = 0.15 + 0.13 * (1 + below.count("\n"))
    whole = height + top + bottom
    figure.set_size_inches(width, whole)
    engine = figure.get_layout_engine()
    assert engine is not None
    engine.set(rect=(0, bottom / whole, 1, height / whole))  # type: ignore[call-arg]
    figure.text(0.01, 1 - 0.08 / whole, text, ha="left", va="top", fontsize=11, fontweight="bold")
    figure.text(0.01, 0.08 / whole, below, ha="left", va="bottom", fontsize=7, color="#505050")
    if entries:
        handles = [
            Line2D([], [], color=look.colour, marker=look.marker, linestyle=look.line, label=model)
            for model, look in entries.items()
        ]
        place = (0.0, 1 - (0.08 + 0.2 * (1 + text.count("\n"))) / whole)
        figure.legend(handles=handles, loc="upper left", bbox_to_anchor=place, ncols=columns, frameon=False, fontsize=8)
    engine.execute(figure)
    figure.set_layout_engine("none")  # once, not for every file again
