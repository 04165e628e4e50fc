"""How much an inexact box costs: tight boxes against jittered ones of the same objects."""

from collections.abc import Iterator, Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from bench.reporting.figures import style
from bench.reporting.figures.picture import Absent, Picture
from bench.reporting.scored_run import ScoredRun
from bench.statistics.bootstrap import Difference, compare
from bench.statistics.patients import patient_scores

TITLE = "Dice with tight and with jittered boxes"
TIGHT, JITTERED = "box", "box-jitter"
Change = tuple[float, float, Difference]  # Dice with tight boxes, with jittered ones, and their paired difference


def jitter(run: ScoredRun) -> Iterator[Picture | Absent]:
    """One figure: one panel per data set, one line per model from its Dice with tight to that with jittered boxes."""
    missing = [kind for kind in (TIGHT, JITTERED) if kind not in run.prompts]
    if missing:
        yield Absent("robustness-box-jitter", TITLE, f"the run has no prompt {' and no prompt '.join(missing)}")
        return
    found = _changes(run)
    if not found:
        yield Absent("robustness-box-jitter", TITLE, "no data set has a defined Dice with both prompts")
        return
    order = [model for model in run.models if any(model in changes for changes in found.values())]
    figure, axes = style.panels(len(found), 3.1, 0.9 + 0.24 * len(order))
    shown = style.looks(run.models)
    for number, (ax, (dataset, changes)) in enumerate(zip(axes, found.items(), strict=True)):
        _panel(ax, dataset, changes, order, shown)
        ax.tick_params(labelleft=number % 3 == 0)
    note = run.note(
        [TIGHT, JITTERED],
        f"Average of each data set ({run.aggregation}): filled with tight boxes, hollow with jittered ones; "
        "numbers: paired difference in points with its 95 % interval over patients.",
    )
    style.finish(figure, TITLE, note)
    yield Picture("robustness-box-jitter", TITLE, note, _words(found), figure)


def _changes(run: ScoredRun) -> dict[str, dict[str, Change]]:
    """Data set to model to what jitter changed; the two prompts stand as if they were two models."""
    records = pd.concat([run.scores(kind).assign(asked=kind) for kind in (TIGHT, JITTERED)])
    records = records.assign(prompt="box").rename(columns={"model": "by", "asked": "model"})
    found: dict[str, dict[str, Change]] = {}
    for dataset in run.datasets:
        for model in run.models:
            part = records[(records["dataset"] == dataset) & (records["by"] == model)]
            if part["model"].nunique() == 2 and part["value"].notna().any():
                made = compare({dataset: patient_scores(part, run.aggregation, "row")}, reference=TIGHT)[dataset]
                values = {one.model: 100 * one.value for one in made.estimates}
                change = (values[TIGHT], values[JITTERED], made.differences[0])
                found.setdefault(dataset, {})[model] = change
    return found


def _panel(
    ax: Axes, dataset: str, changes: Mapping[str, Change], order: list[str], shown: Mapping[str, style.Look]
) -> None:
    for row, model in enumerate(order):
        if model not in changes:
            continue
        (tight, jittered, difference), look = changes[model], shown[model]
        ax.plot([tight, jittered], [row, row], color=look.colour, linewidth=1.5)
        ax.plot(tight, row, look.marker, color=look.colour, markersize=7, label=model)
        ax.plot(jittered, row, "o", color=look.colour, markerfacecolor="white", markersize=6, markeredgewidth=1.4)
        ax.text(1.0, row, _delta(difference), transform=ax.get_yaxis_transform(), ha="right", va="center", fontsize=7)
    values = [value for tight, jittered, _ in changes.values() for value in (tight, jittered)]
    low, high = min(values), max(values)
    style.name(ax, dataset)
    ax.set(xlabel="Dice (%)", ylim=(len(order) - 0.5, -0.5))
    ax.set_xlim(low - 0.08 * (high - low + 1), high + 0.75 * (high - low + 1))  # room for the numbers
    ax.set_yticks(range(len(order)), order)
    ax.set_xticks([tick for tick in ax.get_xticks() if low - 5 <= tick <= high + 5])


def _delta(difference: Difference) -> str:
    text = f"{100 * difference.delta:+.1f}"
    if np.isnan(difference.low):
        return text
    return f"{text} [{100 * difference.low:+.1f}, {100 * difference.high:+.1f}]"


def _words(found: Mapping[str, Mapping[str, Change]]) -> str:
    parts = [
        f"{dataset}: " + ", ".join(f"{model} {_delta(change[2])}" for model, change in changes.items())
        for dataset, changes in found.items()
    ]
    return f"Change of Dice in points from tight to jittered boxes. {'; '.join(parts)}."
