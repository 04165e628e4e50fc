"""What accuracy costs: Dice against seconds, with the models that no other beats in both."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from bench.reporting.figures import style
from bench.reporting.figures.picture import Absent, Picture
from bench.reporting.scored_run import ScoredRun

TITLE = "Dice against time"
SHORTEST = 1e-5  # seconds; what is faster is drawn here


@dataclass(frozen=True, slots=True)
class Cost:
    """One model.

    Attributes:
        seconds: median of encoding an image plus decoding one prompt.
        dice: percent, mean over data sets of their Averages.
    """

    seconds: float
    dice: float


def speed(run: ScoredRun, kind: str) -> Iterator[Picture | Absent]:
    """One figure: one point per model, and the front of those that no other model beats in both speed and Dice."""
    name = f"speed-{kind}"
    costs = _costs(run, kind)
    if not costs:
        yield Absent(name, TITLE, f"the records of prompt {kind} hold no seconds")
        return
    figure, (ax,) = style.panels(1, 6.2, 3.6)
    shown = style.looks(run.models)
    best = front(costs)
    ax.plot(
        [costs[m].seconds * 1000 for m in best], [costs[m].dice for m in best], color="#B0B0B0", zorder=1, label="front"
    )
    for model, cost in costs.items():
        look = shown[model]
        ax.plot(cost.seconds * 1000, cost.dice, look.marker, color=look.colour, markersize=9, label=model)
    ax.set(xscale="log", xlabel="milliseconds a prompt (median)", ylabel="Dice (%)")
    note = run.note(
        [kind],
        "Mean over data sets of their Averages. Time: a slice's share of its batch in the encoder and a prompt's share "
        f"of its batch in the decoder, batches of up to 8 slices with all their prompts, on {_hardware(run)}. "
        "Grey line: no model is both faster and better.",
    )
    style.finish(figure, f"{TITLE}, prompt {kind}", note, {model: shown[model] for model in costs})
    yield Picture(name, f"{TITLE}, prompt {kind}", note, _words(costs, best), figure)


def _costs(run: ScoredRun, kind: str) -> dict[str, Cost]:
    records = run.scores(kind)
    records = records[records["status"] != "failed"]
    seconds = (records["seconds_encode"] + records["seconds_decode"]).groupby(records["model"]).median()
    values = [
        (one.model, 100 * one.value) for comparison in run.comparisons(kind).values() for one in comparison.estimates
    ]
    dice = pd.DataFrame(values, columns=["model", "dice"]).groupby("model")["dice"].mean()
    return {
        model: Cost(max(float(seconds[model]), SHORTEST), float(dice[model]))
        for model in run.models
        if seconds.get(model, 0) > 0 and not np.isnan(dice.get(model, np.nan))
    }


def front(costs: Mapping[str, Cost]) -> list[str]:
    """Models that no other beats in both, the fastest first."""
    kept: list[str] = []
    for model in sorted(costs, key=lambda name: (costs[name].seconds, -costs[name].dice)):
        if not kept or costs[model].dice > costs[kept[-1]].dice:
            kept.append(model)
    return kept


def _hardware(run: ScoredRun) -> str:
    found = run.facts.hardware
    cached = ", embeddings read from a cache where they were there" if found.get("cache of embeddings") else ""
    return f"{found['device']} ({found['name']}), {run.facts.config.precision}{cached}"


def _words(costs: Mapping[str, Cost], best: list[str]) -> str:
    texts = [f"{m} {1000 * c.seconds:.3g} ms, {c.dice:.1f}" for m, c in costs.items()]
    return f"Points of milliseconds and Dice in percent. {'; '.join(texts)}. Not beaten in both: {', '.join(best)}."
