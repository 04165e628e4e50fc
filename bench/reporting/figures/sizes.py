"""Dice by size of the object: small ones hide in a mean."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from bench.reporting.figures import style
from bench.reporting.figures.picture import Absent, Picture
from bench.reporting.scored_run import ScoredRun
from bench.statistics.bootstrap import interval, resample
from bench.statistics.object_size import size_groups
from bench.statistics.patients import Array, patient_scores

TITLE = "Dice by size of the object"
SIZE_GROUPS = 3


@dataclass(frozen=True, slots=True, eq=False)
class Sizes:
    """One data set by size.

    Attributes:
        labels: (S,) area range and number of objects of each size group.
        curves: model to mean, lower and upper limit in percent, (S,) each; NaN where undefined.
    """

    labels: list[str]
    curves: Mapping[str, tuple[Array, Array, Array]]


def sizes(run: ScoredRun, kind: str) -> Iterator[Picture | Absent]:
    """One figure: one panel per data set, sizes from small to large, one line per model."""
    name = f"dice-by-size-{kind}"
    records = size_groups(run.scores(kind), SIZE_GROUPS)
    found = {
        dataset: _sizes(part)
        for dataset in run.datasets
        if (part := records[records["dataset"] == dataset])["size_group"].nunique() > 1
    }
    if not found:
        yield Absent(name, TITLE, f"no data set has objects of different sizes with prompt {kind}")
        return
    figure, axes = style.panels(len(found), 3.1, 2.6)
    shown = style.looks(run.models)
    for ax, (dataset, one) in zip(axes, found.items(), strict=True):
        _panel(ax, dataset, one, shown)
    axes[0].set_ylabel("Dice (%)")
    style.percents(
        axes, np.concatenate([part for one in found.values() for curve in one.curves.values() for part in curve])
    )
    entries = {m: look for m, look in shown.items() if any(m in one.curves for one in found.values())}
    note = run.note(
        [kind],
        "Mean over all masks of a third of a data set's objects, by area of the target in its slice "
        "(pixels; n objects); whiskers: 95 % interval over patients.",
    )
    style.finish(figure, f"{TITLE}, prompt {kind}", note, entries)
    yield Picture(name, f"{TITLE}, prompt {kind}", note, _words(found), figure)


def _sizes(records: pd.DataFrame) -> Sizes:
    scores = patient_scores(records.drop(columns="row"), "macro_class", "size_group")
    patients = len(scores.patients)
    rows = slice(0, len(scores.rows))  # without the Average
    means = scores.estimate()[rows]
    low, high = interval(scores.means(resample(patients))[:, rows], patients)
    percent = 100 * np.stack([means, low, high])
    objects = (
        records.drop_duplicates(["case", "slice", "target"])
        .groupby("size_group")["area_px"]
        .agg(["min", "max", "size"])
    )
    labels = [f"{smallest} to {largest}\nn {count}" for smallest, largest, count in objects.to_numpy().tolist()]
    curves = {model: tuple(percent[:, :, place]) for place, model in enumerate(scores.models)}
    return Sizes(labels, curves)


def _panel(ax: Axes, dataset: str, one: Sizes, shown: Mapping[str, style.Look]) -> None:
    spread = np.linspace(-0.22, 0.22, len(one.curves)) if len(one.curves) > 1 else [0.0]
    for shift, (model, (value, low, high)) in zip(spread, one.curves.items(), strict=True):
        look, x = shown[model], np.arange(len(value)) + shift
        ax.plot(x, value, color=look.colour, marker=look.marker, linestyle=look.line, label=model)
        ax.vlines(x, low, high, color=look.colour, linewidth=0.9, alpha=0.7)
    style.name(ax, dataset)
    ax.set(xlabel="area (px)", xlim=(-0.5, len(one.labels) - 0.5))
    ax.set_xticks(range(len(one.labels)), one.labels, fontsize=8)
    ax.grid(axis="x", visible=False)


def _words(found: Mapping[str, Sizes]) -> str:
    parts = [
        f"{dataset}: " + ", ".join(f"{m} from {v[0]:.1f} to {v[-1]:.1f}" for m, (v, _, _) in one.curves.items())
        for dataset, one in found.items()
    ]
    return f"Lines of Dice in percent from the smallest to the largest objects. {'; '.join(parts)}."
