"""What each further click buys: curves of Dice against the number of clicks."""

from collections.abc import Iterator, Mapping

import numpy as np
from matplotlib.axes import Axes

from bench.prompting.kinds import KINDS
from bench.reporting.figures import style
from bench.reporting.figures.picture import Absent, Picture
from bench.reporting.scored_run import ScoredRun
from bench.statistics.bootstrap import interval, resample
from bench.statistics.patients import Array

TITLE = "Dice by number of clicks"
Curve = tuple[Array, Array, Array]  # Average, lower and upper limit, (K,) each, NaN where there is none


def clicks(run: ScoredRun) -> Iterator[Picture | Absent]:
    """One figure for each prompt kind with rounds: one panel per data set, one line with a band a model."""
    kinds = [kind for kind in run.prompts if KINDS[kind].rounds]
    if not kinds:
        yield Absent("dice-by-clicks", TITLE, "the run has no prompt with several rounds; add --prompt clicks")
    for kind in kinds:
        yield _figure(run, kind)


def _figure(run: ScoredRun, kind: str) -> Picture | Absent:
    name, rounds = f"dice-by-{kind}", run.clicks
    found = {dataset: curves for dataset, curves in _curves(run, kind, rounds).items() if curves}
    if not found or rounds < 2:
        return Absent(name, TITLE, "the run has one round of clicks only" if found else "no Dice is defined")
    figure, axes = style.panels(len(found), 3.1, 2.6)
    shown = style.looks(run.models)
    for ax, (dataset, curves) in zip(axes, found.items(), strict=True):
        _panel(ax, dataset, curves, shown)
    axes[0].set_ylabel("Dice (%)")
    style.percents(
        axes, np.concatenate([part for curves in found.values() for curve in curves.values() for part in curve])
    )
    entries = {m: look for m, look in shown.items() if any(m in curves for curves in found.values())}
    note = run.note(
        [kind],
        f"Average of each data set ({run.aggregation}) after each click; bands: 95 % interval over patients.",
    )
    style.finish(figure, TITLE, note, entries)
    return Picture(name, TITLE, note, _words(found), figure)


def _curves(run: ScoredRun, kind: str, rounds: int) -> dict[str, dict[str, Curve]]:
    """Data set to model to its curve."""
    empty = np.full(rounds, np.nan)
    found: dict[str, dict[str, Curve]] = {name: {} for name in run.datasets}
    for number in range(1, rounds + 1):
        for dataset, scores in run.by_patient(kind, number).items():
            patients = len(scores.patients)
            low, high = interval(scores.means(resample(patients))[:, -1], patients)
            for model, *values in zip(scores.models, scores.estimate()[-1], low, high, strict=True):
                curve = found[dataset].setdefault(model, (empty.copy(), empty.copy(), empty.copy()))
                for part, value in zip(curve, values, strict=True):
                    part[number - 1] = 100 * value
    return found


def _panel(ax: Axes, dataset: str, curves: Mapping[str, Curve], shown: Mapping[str, style.Look]) -> None:
    for model, (value, low, high) in curves.items():
        look, numbers = shown[model], np.arange(1, len(value) + 1)
        ax.plot(numbers, value, color=look.colour, marker=look.marker, linestyle=look.line, label=model)
        if not np.isnan(low).all():
            ax.fill_between(numbers, low, high, color=look.colour, alpha=0.12, linewidth=0)
    style.name(ax, dataset)
    ax.set(xlabel="clicks")
    ax.set_xticks(numbers)


def _words(found: Mapping[str, Mapping[str, Curve]]) -> str:
    parts = [
        f"{dataset}: " + ", ".join(f"{m} from {v[0]:.1f} to {v[-1]:.1f}" for m, (v, _, _) in curves.items())
        for dataset, curves in found.items()
    ]
    return f"Curves of Dice in percent from the first to the last click. {'; '.join(parts)}."
