"""Figure 4: embeddings of the curated set and of its sources, and how smoothly data sets run into each other."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

import adapters
from bench import protocols
from bench.data import catalogue
from bench.data.case import Defect, Item
from bench.studies.inside.embeddings import ALL, VIEWS, Vectors, pooled, reduced, scatter, transitions
from bench.studies.inside.output import InsideReport
from bench.studies.questions import DataSet, PromptedSlice, PromptRule, asked

MOST = 150  # images of a data set
SEED = 0
SIDES = ("sources", "curated")


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two collections.

    Attributes:
        data: its folder.
        names: of its data sets, by title.
        protocol: name; cuts and maps the images.
    """

    data: Path
    names: Mapping[str, str]
    protocol: str


def report(
    model: str, weights: Path | None, device: str, sides: Mapping[str, Side], about: str
) -> tuple[InsideReport, list[Defect]]:
    """Both views of all embeddings, and the ratios of `transitions` on both sides.

    Of each data set both sides show equally many images, so that neither is denser for having more of them.

    Args:
        model, weights, device: of the frozen encoder, see `adapters.load`.
        sides: "sources" and "curated", with the same titles.
        about: which weights on which data.

    Raises:
        RunError: see `bench.studies.inside.embeddings.report`.
    """
    segmenter = adapters.load(model, weights, device)
    defects: list[Defect] = []
    listed = {side: {title: _items(sides[side], name) for title, name in sides[side].names.items()} for side in SIDES}
    titles = [title for title in listed["sources"] if title in listed["curated"]]
    counts = {title: min(MOST, *(len(listed[side][title]) for side in SIDES)) for title in titles}
    parts = []
    for side in SIDES:
        chosen = {title: spaced(listed[side][title], counts[title]) for title in titles}
        table, vectors = pooled(segmenter, _slices(sides[side].protocol, chosen, defects))
        parts.append((table.assign(side=side), vectors))
    table = pd.concat([part for part, _ in parts], ignore_index=True)
    for view, places in reduced(np.concatenate([vectors for _, vectors in parts]), SEED).items():
        table[[f"{view}_1", f"{view}_2"]] = places
    ratios = compared({side: (part, vectors) for side, (part, vectors) in zip(SIDES, parts, strict=True)})
    title = f"Image embeddings of {model}, averaged over the image. {about}"
    return InsideReport(
        "", {"figure4": figure(table, ratios, title)}, {"figure4": table, "smoothness": ratios}
    ), defects


def _items(side: Side, name: str) -> list[Item]:
    return catalogue.index(name, side.data, None)[0]


def spaced(items: Sequence[Item], count: int) -> list[Item]:
    """So many of the items, evenly spaced."""
    return [items[int((place + 0.5) * len(items) / count)] for place in range(count)]


def _slices(
    protocol: str, chosen: Mapping[str, Sequence[Item]], defects: list[Defect]
) -> Iterator[tuple[DataSet, PromptedSlice]]:
    """One slice of each case: the middle one of those with targets."""
    rule = PromptRule("box", protocols.load(protocol), SEED)
    for title, items in chosen.items():
        for item in items:
            one = DataSet(item.dataset, title, [item])
            found = [prompted for prompted in asked(one, rule, defects) if prompted.questions]
            if found:
                yield one, found[len(found) // 2]


def compared(sides: Mapping[str, tuple[pd.DataFrame, Vectors]]) -> pd.DataFrame:
    """Ratios of both sides: dataset, images and `<side>_ratio`; the last row is of all images."""
    found = {side: transitions(vectors, table["dataset"]) for side, (table, vectors) in sides.items()}
    joined = pd.DataFrame({f"{side}_ratio": one["ratio"] for side, one in found.items()})
    joined.insert(0, "images", next(iter(found.values()))["images"])
    order = [*next(iter(found.values())).index.drop(ALL), ALL]
    return joined.loc[order].rename_axis("dataset").reset_index()


def figure(table: pd.DataFrame, ratios: pd.DataFrame, title: str) -> Figure:
    """Sources on the left, the curated set on the right, in both views, which they share."""
    drawn = Figure(figsize=(10, 8.4), layout="constrained")
    panels = drawn.subplots(len(VIEWS), len(SIDES), sharex="row", sharey="row")
    whole = ratios[ratios["dataset"] == ALL].iloc[0]
    for row, (view, text) in zip(panels, VIEWS.items(), strict=True):
        for axes, side in zip(row, SIDES, strict=True):
            scatter(axes, table[table["side"] == side], view)
            axes.set_title(f"{side}, {text}; distance to others / own: {whole[f'{side}_ratio']:.2f}", fontsize=9)
    handles, labels = panels[0][0].get_legend_handles_labels()
    drawn.legend(handles, labels, loc="outside right center", fontsize=8, frameon=False)
    drawn.suptitle(title, fontsize=9)
    return drawn
