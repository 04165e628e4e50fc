"""What the expert tokens attend to in the image, by token and by expert: figure 7."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import NDArray
from torch import Tensor

from adapters import geometry
from adapters.families.segmote import SegmoteSegmenter
from adapters.interface import Segmenter, check_image
from bench.errors import RunError
from bench.studies.answers import Answers, answers, routed
from bench.studies.inside.output import InsideReport
from bench.studies.questions import DataSet, PromptedSlice, Question
from segmote.network.heat_maps import Combine, expert_maps, token_maps

PANEL_INCHES = 1.7
OPACITY = 0.5
CHOSEN_COLOUR, TARGET_COLOUR = "#2ca02c", "red"


@dataclass(frozen=True, slots=True, eq=False)
class Example:
    """One question with the heat maps of one decoder layer, on the pixel grid of its image.

    Attributes:
        image: (H, W, 3) uint8.
        token: the one selected by the last layer.
        experts: of each token, best first.
        tokens, expert_maps: (N, H, W) float32 in 0..1.
        drawn: (H, W) bool, the predicted mask.
    """

    question: Question
    image: NDArray[np.uint8]
    token: int
    experts: Sequence[Sequence[int]]
    tokens: NDArray[np.float32]
    expert_maps: NDArray[np.float32]
    drawn: NDArray[np.bool_]


def report(
    segmenter: Segmenter, slices: Iterable[tuple[DataSet, PromptedSlice]], images: int, layer: int | None, about: str
) -> InsideReport:
    """Heat maps of the largest targets, by token and by expert, and how much of them lies inside the target.

    Args:
        segmenter: a SegMoTE model.
        slices: at least one of them with a question.
        images: examples per data set.
        layer: of the decoder, counted from 1; None for the last.
        about: which weights on which data.

    Raises:
        RunError: another model, or no such layer.
    """
    network = routed(segmenter)
    layers = network.network.config.layers
    layer = layers if layer is None else layer
    if not 1 <= layer <= layers:
        raise RunError(f"{segmenter.card.name} has decoder layers 1 to {layers}, got layer {layer}")
    shown = examples(network, largest(slices, images), layer - 1)
    text = f"Attention of decoder layer {layer}, by {{}}; red: box of the target; green: predicted mask and its {{}}.\n"
    drawn = {f"routing-{by}": figure(shown, by, text.format(by, by) + about) for by in ("token", "expert")}
    return InsideReport("", drawn, {"routing": measured(shown)})


def largest(slices: Iterable[tuple[DataSet, PromptedSlice]], count: int) -> list[PromptedSlice]:
    """The largest target of each of the `count` cases with the largest targets, per data set, by share of the image.

    Large targets show best on a coarse grid. Each is returned as a slice with one question, in order of the data sets.
    """
    best: dict[str, dict[str, tuple[float, PromptedSlice]]] = {}
    for data_set, one in slices:
        cases = best.setdefault(data_set.title, {})
        for question in one.questions:
            share = float(question.mask.mean())
            if share > cases.get(question.case, (0.0, one))[0]:
                cases[question.case] = share, PromptedSlice(one.sample, [question])
    ordered = (sorted(cases.values(), key=lambda pair: -pair[0])[:count] for cases in best.values())
    return [one for pairs in ordered for _, one in pairs]


def examples(
    segmenter: SegmoteSegmenter, slices: Iterable[PromptedSlice], layer: int, combine: Combine = "mean"
) -> list[Example]:
    """The heat maps of one decoder layer (-1: the last) for each question.

    Raises:
        IndexError: there is no such layer.
    """
    return [example for some in answers(segmenter, slices) for example in _examples(segmenter, some, layer, combine)]


def _examples(segmenter: SegmoteSegmenter, some: Answers, layer: int, combine: Combine) -> Iterator[Example]:
    routing = some.drawn.routings[layer]
    images = [one.sample.image for one in some.asked for _ in one.questions]
    tokens = token_maps(some.attention[layer], tuple(some.encoded[0].embedding.shape[-2:]))
    experts = expert_maps(tokens, routing.gates, combine)
    for index, question in enumerate(some.questions):
        encoded = some.encoded[index]
        yield Example(
            question=question,
            image=check_image(images[index]),
            token=int(some.drawn.token[index]),
            experts=routing.experts[index].tolist(),
            tokens=_on_image(tokens[index], encoded),
            expert_maps=_on_image(experts[index], encoded),
            drawn=segmenter.masks(encoded, some.drawn.mask[index])[0].cpu().numpy(),
        )


def _on_image(maps: Tensor, encoded: Any) -> NDArray[np.float32]:
    return geometry.to_original_by_input(maps, encoded.frame).clamp(0, 1).cpu().numpy()


def measured(shown: Sequence[Example]) -> pd.DataFrame:
    """One row per map: its token or expert, and its mean (0..1) inside and outside the target."""
    return pd.DataFrame([row for example in shown for row in _measured(example)])


def _measured(example: Example) -> Iterator[dict[str, Any]]:
    question, target = example.question, example.question.mask
    name = {part: getattr(question, part) for part in ("dataset", "patient", "case", "slice", "target")}
    for kind, maps in (("token", example.tokens), ("expert", example.expert_maps)):
        for index, map_ in enumerate(maps):
            yield name | {
                "map": kind,
                "index": index,
                "selected": kind == "token" and index == example.token,
                "experts": "+".join(map(str, example.experts[index])) if kind == "token" else str(index),
                "inside": float(map_[target].mean()),
                "outside": float(map_[~target].mean()) if not target.all() else float("nan"),
            }


def figure(shown: Sequence[Example], by: str, title: str) -> Figure:
    """One row per example: image with boxed target and predicted mask, then one heat map per token or expert.

    Args:
        shown: at least one.
        by: "token" or "expert".
        title: above it.
    """
    count = len(shown[0].tokens)
    drawn = Figure(figsize=(PANEL_INCHES * (count + 1), PANEL_INCHES * len(shown) + 0.6), layout="constrained")
    panels = np.atleast_2d(drawn.subplots(len(shown), count + 1, squeeze=False))
    for row, example in zip(panels, shown, strict=True):
        _picture(row[0], example)
        for index, axes in enumerate(row[1:]):
            _map(axes, example, by, index)
    drawn.suptitle(title, fontsize=8)
    return drawn


def _picture(axes: Axes, example: Example) -> None:
    axes.imshow(example.image)
    axes.contour(example.drawn, [0.5], colors=[CHOSEN_COLOUR], linewidths=1)
    _box(axes, example)
    _bare(axes)
    axes.set_ylabel(example.question.dataset, fontsize=7)
    axes.set_title(example.question.target.replace("_", " "), fontsize=7)


def _map(axes: Axes, example: Example, by: str, index: int) -> None:
    heat = (example.tokens if by == "token" else example.expert_maps)[index]
    axes.imshow(overlay(example.image, heat))
    _box(axes, example)
    _bare(axes)
    owners = [token for token, experts in enumerate(example.experts) if index in experts]
    chosen = index == example.token if by == "token" else example.token in owners
    if by == "token":
        text = f"token {index}, expert {'+'.join(map(str, example.experts[index]))}"
    else:
        text = f"expert {index}, {'token ' + '+'.join(map(str, owners)) if owners else 'no token'}"
    axes.set_title(f"{text} \N{CHECK MARK}" if chosen else text, fontsize=7, color=CHOSEN_COLOUR if chosen else "black")
    if chosen:
        for spine in axes.spines.values():
            spine.set(edgecolor=CHOSEN_COLOUR, linewidth=2.5)


def overlay(image: NDArray[np.uint8], heat: NDArray[np.float32]) -> NDArray[np.uint8]:
    """The image (H, W, 3) under a heat map (H, W) in the JET colours, both half transparent."""
    coloured = matplotlib.colormaps["jet"](heat)[..., :3] * 255
    return np.round((1 - OPACITY) * image + OPACITY * coloured).astype(np.uint8)


def _box(axes: Axes, example: Example) -> None:
    rows, columns = np.flatnonzero(example.question.mask.any(1)), np.flatnonzero(example.question.mask.any(0))
    corner = columns[0] - 0.5, rows[0] - 0.5
    size = columns[-1] - columns[0] + 1, rows[-1] - rows[0] + 1
    axes.add_patch(Rectangle(corner, *size, fill=False, edgecolor=TARGET_COLOUR, linewidth=1))


def _bare(axes: Axes) -> None:
    axes.set_xticks([])
    axes.set_yticks([])
