"""Dice of every model on every data set, as bars (the paper's Figure 5)."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes

from bench.reporting.figures import style
from bench.reporting.figures.picture import Absent, Picture
from bench.reporting.scored_run import ScoredRun
from bench.statistics.bootstrap import Estimate

GROUPS = 4  # data sets in one row of bars
TITLE = "Dice by data set"


def bars(run: ScoredRun, kind: str) -> Iterator[Picture | Absent]:
    """One figure: one group of bars per data set, one bar per model, whiskers for the interval."""
    name = f"dice-{kind}"
    found = {dataset: one.estimates for dataset, one in run.comparisons(kind).items()}
    if not found:
        yield Absent(name, TITLE, f"no Dice is defined for prompt {kind}")
        return
    shown = style.looks(run.models)
    names = list(found)
    rows = [names[start : start + GROUPS] for start in range(0, len(names), GROUPS)]
    width = max(5.5, 0.32 * len(run.models) * min(GROUPS, len(names)))
    figure, axes = style.panels(len(rows), width, 2.8, columns=1)
    for ax, row in zip(axes, rows, strict=True):
        _group(ax, {dataset: found[dataset] for dataset in row}, run.models, shown)
    note = run.note(
        [kind],
        f"Average of each data set ({run.aggregation}), in percent, with its 95 % interval over patients "
        "(none with fewer than two).",
    )
    entries = {model: look for model, look in shown.items() if _asked(found, model)}
    style.finish(figure, f"{TITLE}, prompt {kind}", note, entries)
    yield Picture(name, f"{TITLE}, prompt {kind}", note, _words(found), figure)


def _asked(found: Mapping[str, Sequence[Estimate]], model: str) -> bool:
    return any(one.model == model for estimates in found.values() for one in estimates)


def _group(
    ax: Axes, found: Mapping[str, Sequence[Estimate]], models: Sequence[str], shown: Mapping[str, style.Look]
) -> None:
    width = 0.84 / len(models)
    for place, estimates in enumerate(found.values()):
        by_model = {one.model: one for one in estimates if not np.isnan(one.value)}
        for number, model in enumerate(name for name in models if name in by_model):
            one, look = by_model[model], shown[model]
            x, value = place + (number - (len(by_model) - 1) / 2) * width, 100 * one.value
            ax.bar(x, value, 0.92 * width, color=look.colour, label=model)
            if not np.isnan(one.low):
                reach = [[max(0, value - 100 * one.low)], [max(0, 100 * one.high - value)]]
                for colour, width_of in (("white", 2.2), ("#303030", 0.9)):  # seen on black bars, too
                    ax.errorbar(x, value, reach, color=colour, linewidth=width_of, capsize=1.5)
            ax.text(x, 1.5, f"{value:.1f}", rotation=90, ha="center", va="bottom", fontsize=7, color=look.ink)
    ax.set(xlim=(-0.5, len(found) - 0.5), ylim=(0, 100), ylabel="Dice (%)")
    ax.set_xticks(range(len(found)), list(found))
    ax.grid(axis="x", visible=False)


def _words(found: Mapping[str, Sequence[Estimate]]) -> str:
    parts = []
    for dataset, estimates in found.items():
        ordered = sorted((one for one in estimates if not np.isnan(one.value)), key=lambda one: -one.value)
        parts.append(f"{dataset}: {', '.join(f'{one.model} {100 * one.value:.1f}' for one in ordered)}")
    return f"Bars of Dice in percent, best first. {'; '.join(parts)}."
