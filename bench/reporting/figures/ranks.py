"""Ranks of the models on every data set with their intervals."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes

from bench.reporting.figures import style
from bench.reporting.figures.picture import Absent, Picture
from bench.reporting.scored_run import ScoredRun
from bench.statistics.bootstrap import Estimate

TITLE = "Ranks by data set"


def ranks(run: ScoredRun, kind: str) -> Iterator[Picture | Absent]:
    """One figure: one panel per data set, one line per model, ordered by mean rank; distances are not shown."""
    name = f"ranks-{kind}"
    found = {dataset: one.estimates for dataset, one in run.comparisons(kind).items() if len(one.estimates) > 1}
    if not found:
        yield Absent(name, TITLE, f"prompt {kind} has no two models with a defined Dice on one data set")
        return
    order = _order(found, run.models)
    figure, axes = style.panels(len(found), 3.1, 0.9 + 0.24 * len(order))
    shown = style.looks(run.models)
    for number, (ax, (dataset, estimates)) in enumerate(zip(axes, found.items(), strict=True)):
        _panel(ax, dataset, {one.model: one for one in estimates}, order, shown)
        ax.tick_params(labelleft=number % 3 == 0)
    note = run.note(
        [kind],
        f"Rank of each model's Average ({run.aggregation}), 1 is best; whiskers: 95 % of 10,000 draws of "
        "patients. Letters: two models that share one are not told apart. Models from the best mean rank down.",
    )
    style.finish(figure, f"{TITLE}, prompt {kind}", note)
    yield Picture(name, f"{TITLE}, prompt {kind}", note, _words(found), figure)


def _order(found: Mapping[str, Sequence[Estimate]], models: Sequence[str]) -> list[str]:
    """Models with a rank, the best mean rank first."""
    by_model = {m: [e.rank for one in found.values() for e in one if e.model == m and e.group] for m in models}
    return sorted((m for m in models if by_model[m]), key=lambda m: float(np.mean(by_model[m])))


def _panel(
    ax: Axes, dataset: str, found: Mapping[str, Estimate], order: Sequence[str], shown: Mapping[str, style.Look]
) -> None:
    for row, model in enumerate(order):
        one, look = found.get(model), shown[model]
        if one is None or not one.group:
            continue
        ax.plot([one.rank_low, one.rank_high], [row, row], color=look.colour, linewidth=2, solid_capstyle="butt")
        ax.plot(one.rank, row, look.marker, color=look.colour, markersize=7, label=model)
        ax.text(len(order) + 0.7, row, one.group, fontsize=7, va="center", color="#505050")
    style.name(ax, dataset)
    ax.set(xlim=(0.5, len(order) + 0.5), ylim=(len(order) - 0.5, -0.5), xlabel="rank")
    ax.set_yticks(range(len(order)), order)
    ax.set_xticks(range(1, len(order) + 1, 1 + len(order) // 12))


def _words(found: Mapping[str, Sequence[Estimate]]) -> str:
    parts = []
    for dataset, estimates in found.items():
        ordered = sorted((one for one in estimates if one.group), key=lambda one: one.rank)
        texts = [f"{e.model} {e.rank:.0f} ({e.rank_low:.0f} to {e.rank_high:.0f}), {e.group}" for e in ordered]
        parts.append(f"{dataset}: {'; '.join(texts)}")
    return f"Ranks with intervals, and letters that models share if they are not told apart. {'. '.join(parts)}."
