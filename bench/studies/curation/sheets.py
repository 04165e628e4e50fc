"""The quality of the sources as pictures: histograms of all criteria, and their best, median and worst masks."""

from collections.abc import Hashable, Mapping, Sequence
from textwrap import shorten
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, NullFormatter
from numpy.typing import NDArray
from scipy import ndimage

from bench.data import catalogue
from bench.data.case import Item, Mask, class_name
from bench.data.curation.ranking import CRITERIA, GROUP, IMAGE, IMAGE_CRITERIA
from bench.data.curation.scan import planes_of
from bench.data.slicing import stretch
from bench.protocols import Protocol
from bench.reporting.figures import style

AXES = {
    "clarity": "clarity (variance of the Laplacian)",
    "contrast": "contrast (RMS, of full range)",
    "entropy": "entropy (bits)",
    "foreground_ratio": "foreground ratio",
    "regions": "regions",
}
LOGARITHMIC = ("clarity", "foreground_ratio")
BINS = 24
TICKS = 3  # of a logarithmic axis
PARTS = ("best", "median", "worst")
EACH = 3  # images of a part
SIDE = 160  # pixels of a thumbnail
INCHES = 1.15


def histograms(scores: pd.DataFrame) -> Figure:
    """A row of histograms per data set and modality: all masks that could be read in grey, those of the set in blue."""
    groups = list(scores.groupby(GROUP))
    figure, axes = style.panels(len(groups) * len(CRITERIA), 2.0, 1.5, columns=len(CRITERIA), share_y=False)
    for row, (names, rows) in enumerate(groups):
        for column, criterion in enumerate(CRITERIA):
            ax = axes[row * len(CRITERIA) + column]
            _histogram(ax, rows, criterion)
            if not column:
                ax.set_ylabel(shorten(" ".join(map(str, names)), 24, placeholder="…"), fontsize=7)
    note = (
        "Grey: everything that could be read; blue: what is in the set. Clarity, contrast and entropy count images, "
        "foreground ratio and regions count masks. Limits are relative to each row's own median; see data-sheet.md."
    )
    style.finish(figure, "Quality of the sources, by data set and modality", note)
    return figure


def _histogram(ax: Axes, rows: pd.DataFrame, criterion: str) -> None:
    values = rows.drop_duplicates(IMAGE) if criterion in IMAGE_CRITERIA else rows
    kept = rows[rows["reason"] == ""]
    inside = kept.drop_duplicates(IMAGE) if criterion in IMAGE_CRITERIA else kept
    bins = _bins(values[criterion].to_numpy(float), criterion)
    ax.hist(values[criterion], bins=bins.tolist(), color="#BDBDBD")
    ax.hist(inside[criterion], bins=bins.tolist(), color=style.BLUE)
    if criterion in LOGARITHMIC:
        ax.set_xscale("log")
        ticks = np.geomspace(bins[0], bins[-1], TICKS)
        ax.set_xticks(ticks, [f"{tick:.2g}" for tick in ticks])
        ax.xaxis.set_minor_formatter(NullFormatter())
    elif criterion == "regions":
        ax.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    ax.set_xlabel(AXES[criterion], fontsize=7)
    ax.tick_params(labelsize=6)


def _bins(values: NDArray[np.float64], criterion: str) -> NDArray[np.float64]:
    if criterion == "regions":
        step = max(1, int(np.ceil(values.max() / BINS)))
        return np.arange(0.5, values.max() + step + 0.5, step)
    if criterion not in LOGARITHMIC:
        return np.histogram_bin_edges(values, BINS)
    positive = values[values > 0]
    if not positive.size:
        return np.array([0.1, 1.0])
    return np.geomspace(positive.min() * 0.9, positive.max() * 1.1, BINS)


def contact_sheet(scores: pd.DataFrame, items: Sequence[Item], protocol: Protocol) -> Figure:
    """Per data set the three images with the best scores, three around the median and the three worst, a mask outlined.

    Args:
        scores: every mask that could be read, with its `score` and `reason`.
        items: of all cases, to read the chosen ones again.
        protocol: plane and intensities, as they were judged.
    """
    picks = {str(name): _picks(rows) for name, rows in scores.groupby("dataset")}
    shown = [index for parts in picks.values() for part in parts.values() for index in part]
    pictures = _pictures(scores.loc[shown], items, protocol)
    figure, axes = style.panels(len(picks) * len(PARTS) * EACH, INCHES, INCHES + 0.35, len(PARTS) * EACH, False)
    for ax in axes:
        ax.axis("off")
    places = [(name, part, number) for name in picks for part in PARTS for number in range(EACH)]
    for ax, (name, part, number) in zip(axes, places, strict=True):
        if number < len(picks[name][part]):
            index = picks[name][part][number]
            ax.imshow(pictures[index])
            ax.set_title(
                _words(name, part, scores.loc[[index]].to_dict("records")[0]), fontsize=5, loc="left", parse_math=False
            )
    note = (
        "From left to right three images each: the best, around the median, the worst by score, the mean of five "
        "robust z. Outline: one mask. A cross after the score: not in the set; the reason is in left-out.parquet."
    )
    style.finish(figure, "Best, median and worst masks of each data set", note)
    return figure


def _words(name: str, part: str, one: Mapping[Hashable, Any]) -> str:
    mark = "" if one["reason"] == "" else "  ✕"
    lines = f"{part} {one['score']:.2f}{mark}", name, f"{one['case']} {one['slice']}", class_name(one["target"])
    return "\n".join(shorten(line, 26, placeholder="…") for line in lines)


def _picks(rows: pd.DataFrame) -> dict[str, list[int]]:
    """The index of the best masks, those around the median, and the worst, each of another image; none twice."""
    ordered = rows.sort_values("score", ascending=False, kind="stable")
    best, worst = (ordered.drop_duplicates(IMAGE, keep=kept).index.tolist() for kept in ("first", "last"))
    each = min(EACH, max(1, len(best) // 3))
    middle = max(0, (len(best) - each) // 2)
    parts = {"best": best[:each], "median": best[middle : middle + each], "worst": worst[-each:]}
    taken: set[int] = set()
    picks: dict[str, list[int]] = {}
    for part, indices in parts.items():
        picks[part] = [index for index in indices if index not in taken]
        taken.update(picks[part])
    return picks


def _pictures(picks: pd.DataFrame, items: Sequence[Item], protocol: Protocol) -> dict[int, NDArray[np.uint8]]:
    by_case = {(item.dataset, item.case): item for item in items}
    pictures: dict[int, NDArray[np.uint8]] = {}
    for (dataset, case), rows in picks.groupby(["dataset", "case"]):
        planes = {
            plane.grid.slice: plane for plane in planes_of(catalogue.read(by_case[str(dataset), str(case)]), protocol)
        }
        for index, number, target in rows[["slice", "target"]].itertuples(name=None):
            plane = planes[number]
            pictures[index] = outlined(plane.image, plane.masks[target])
    return pictures


def outlined(image: NDArray[np.uint8], mask: Mask) -> NDArray[np.uint8]:
    """A thumbnail (160 pixels along the longer side, 3) of an image with the border of a mask painted on it."""
    height, width = image.shape[:2]
    scale = SIDE / max(height, width)
    size = max(1, round(height * scale)), max(1, round(width * scale))
    coloured = image if image.ndim == 3 else np.repeat(image[..., None], 3, axis=2)
    small, inside = stretch(coloured, size).copy(), stretch(mask, size)
    border = inside & ~ndimage.binary_erosion(inside)
    small[border] = np.array(to_rgb(style.TARGET)) * 255
    return small
