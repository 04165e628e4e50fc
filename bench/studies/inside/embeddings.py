"""How the frozen encoder's embeddings of several data sets are arranged: figure 4.

Two views: PCA preserves distances, so a gap there is a real gap; t-SNE shows neighbourhoods. t-SNE is scikit-learn's,
which the nearest-neighbour measure needs anyway; UMAP would add a compiler (numba) for a single figure.
"""

from collections.abc import Iterable, Iterator
from typing import Any

import matplotlib
import numpy as np
import pandas as pd
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray
from sklearn.decomposition import PCA
from sklearn.manifold import TSNE
from sklearn.neighbors import NearestNeighbors
from tabulate import tabulate

from adapters.interface import Segmenter
from bench.errors import RunError
from bench.studies.answers import SLICES_AT_ONCE, pieces
from bench.studies.inside.output import InsideReport
from bench.studies.questions import DataSet, PromptedSlice

FEWEST = 5
PERPLEXITY = 30.0
NEIGHBOURS = 5
VIEWS = {"pca": "PCA", "tsne": "t-SNE"}
MARKERS = "os^Dv<>PX"  # nine, so that with ten colours the first 90 data sets all look different
ALL = "all images"
TRANSITIONS = (
    f"foreign_share: of the {NEIGHBOURS} nearest neighbours of an image, those of another data set. own, other: mean "
    f"distance to the {NEIGHBOURS} nearest images of the own data set, and of the others. ratio: other / own; 1 where "
    "data sets run into each other, more where there are gaps between them."
)

Vectors = NDArray[np.float32]


def report(
    segmenter: Segmenter, slices: Iterable[tuple[DataSet, PromptedSlice]], seed: int, about: str
) -> InsideReport:
    """Both views of the slices' embeddings, and how far the data sets mix.

    Args:
        segmenter: a network with image embeddings.
        slices: at least five of them with a question.
        seed: of both views.
        about: which weights on which data.

    Raises:
        RunError: a model without image embeddings, or too few slices.
    """
    table, vectors = pooled(segmenter, slices)
    for view, places in reduced(vectors, seed).items():
        table[[f"{view}_1", f"{view}_2"]] = places
    title = f"Image embeddings, averaged over the image. {about}"
    between = transitions(vectors, table["dataset"])
    between.insert(1, "foreign_share", mixing(vectors, table["dataset"]).reindex(between.index))
    summary = between.rename_axis("dataset").reset_index()
    shown = tabulate(summary.round(3).to_dict("list"), headers="keys", missingval="-")
    text = f"{title}\n\n{TRANSITIONS}\n\n{shown}"
    return InsideReport(text, {"embeddings": figure(table, title)}, {"embeddings": table, "transitions": summary})


def pooled(segmenter: Segmenter, slices: Iterable[tuple[DataSet, PromptedSlice]]) -> tuple[pd.DataFrame, Vectors]:
    """The mean of each image's embedding over its grid.

    Returns:
        dataset, patient, case, slice of n images; their vectors (n, C).

    Raises:
        RunError: the model's encoded images have no embedding.
    """
    rows: list[dict[str, Any]] = []
    vectors: list[Vectors] = []
    for piece in pieces(((one, found) for one, found in slices if found.questions), SLICES_AT_ONCE):
        vectors += _vectors(segmenter, [found for _, found in piece])
        rows += [{"dataset": one.title} | _facts(found) for one, found in piece]
    return pd.DataFrame(rows), np.stack(vectors) if vectors else np.zeros((0, 0), np.float32)


def _facts(found: PromptedSlice) -> dict[str, Any]:
    first = found.questions[0]
    return {"patient": first.patient, "case": first.case, "slice": first.slice}


@torch.no_grad()
def _vectors(segmenter: Segmenter, slices: Iterable[PromptedSlice]) -> Iterator[Vectors]:
    for encoded in segmenter.encode([found.sample.image for found in slices]):
        embedding = getattr(encoded, "embedding", None)
        if embedding is None:
            raise RunError(f"{segmenter.card.name} has no image embedding; name a network, not a baseline")
        yield embedding.float().mean(dim=(-2, -1)).cpu().numpy()


def reduced(vectors: Vectors, seed: int) -> dict[str, NDArray[np.float64]]:
    """Both views (n, 2) of vectors (n, C), standardised by channel first.

    Raises:
        RunError: fewer than five images.
    """
    if len(vectors) < FEWEST:
        raise RunError(f"{len(vectors)} images are too few to show distances; give at least {FEWEST}")
    spread = vectors.std(axis=0)
    scaled = (vectors - vectors.mean(axis=0)) / np.where(spread > 0, spread, 1)
    perplexity = min(PERPLEXITY, (len(vectors) - 1) / 3)
    tsne = TSNE(perplexity=perplexity, init="pca", random_state=seed)
    return {"pca": PCA(2, random_state=seed).fit_transform(scaled), "tsne": tsne.fit_transform(scaled)}


def mixing(vectors: Vectors, datasets: "pd.Series[str]") -> "pd.Series[float]":
    """Share (0..1) of each data set's nearest neighbours that belong to another data set; 0: well separated.

    Args:
        vectors: (n, C).
        datasets: n titles.
    """
    count = min(NEIGHBOURS, len(vectors) - 1)
    near = NearestNeighbors(n_neighbors=count + 1).fit(vectors).kneighbors(return_distance=False)[:, 1:]
    names = datasets.to_numpy()
    foreign = (names[near] != names[:, None]).mean(axis=1)
    return pd.Series(foreign, datasets.to_numpy()).groupby(level=0, sort=False).mean()


def transitions(vectors: Vectors, datasets: "pd.Series[str]") -> pd.DataFrame:
    """How far it is from one data set to the others, held against distances within it: the smoothness of figure 4.

    For each image: its mean distance to the five nearest images of its own data set (itself left out) and to the five
    nearest of all others. The ratio of the means over images is about 1 where data sets run into each other and grows
    with the gaps between them. It has no unit; a scale that all embeddings share cancels out.

    Args:
        vectors: (n, C).
        datasets: n titles.

    Returns:
        One row per data set in order of appearance, and `ALL` for all images: `images`, `own` and `other` (distances
        in units of the embedding), `ratio`. NaN where a data set has a single image or stands alone.
    """
    names = datasets.to_numpy()
    own, other = np.full(len(names), np.nan), np.full(len(names), np.nan)
    for name in pd.unique(names):
        mine = names == name
        own[mine] = _distances(vectors[mine], vectors[mine], itself=True)
        other[mine] = _distances(vectors[mine], vectors[~mine], itself=False)
    by_image = pd.DataFrame({"dataset": names, "images": 1, "own": own, "other": other})
    rows = {str(name): part for name, part in by_image.groupby("dataset", sort=False)} | {ALL: by_image}
    counts = {"images": {name: len(part) for name, part in rows.items()}}
    means = {kind: {name: part[kind].mean() for name, part in rows.items()} for kind in ("own", "other")}
    table = pd.DataFrame(counts | means)
    return table.assign(ratio=table["other"] / table["own"].where(table["own"] > 0))


def _distances(images: Vectors, among: Vectors, itself: bool) -> NDArray[np.float64]:
    """Mean distance of each image to its nearest ones; `itself`: each is among them and does not count."""
    count = min(NEIGHBOURS, len(among) - itself)
    if count < 1:
        return np.full(len(images), np.nan)
    search = NearestNeighbors(n_neighbors=count, algorithm="brute").fit(among)
    # Without an argument the search leaves each of its own points out of its neighbours.
    found, _ = search.kneighbors(None if itself else images)
    distances: NDArray[np.float64] = found.mean(axis=1)
    return distances


def figure(table: pd.DataFrame, title: str) -> Figure:
    """Both views side by side, with one colour and one marker per data set.

    Args:
        table: with `dataset` and, for each view, `<view>_1` and `<view>_2`.
        title: above it.
    """
    drawn = Figure(figsize=(10, 4.8), layout="constrained")
    panels = drawn.subplots(1, len(VIEWS))
    for axes, (view, text) in zip(panels, VIEWS.items(), strict=True):
        scatter(axes, table, view)
        axes.set_title(text, fontsize=9)
    handles, labels = panels[0].get_legend_handles_labels()
    drawn.legend(handles, labels, loc="outside right center", fontsize=8, frameon=False)
    drawn.suptitle(title, fontsize=9)
    return drawn


def scatter(axes: Axes, table: pd.DataFrame, view: str) -> None:
    """One view of a table as in `figure`, in a panel of its own."""
    colours = matplotlib.colormaps["tab10"]
    for number, (name, part) in enumerate(table.groupby("dataset", sort=False)):
        marker = MARKERS[number % len(MARKERS)]
        places = part[f"{view}_1"], part[f"{view}_2"]
        axes.scatter(*places, s=16, color=colours(number % 10), marker=marker, alpha=0.75, linewidths=0, label=name)
    axes.set_xticks([])
    axes.set_yticks([])
