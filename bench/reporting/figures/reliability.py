"""Does a model know how good its masks are? Predicted score against true overlap."""

from collections.abc import Iterator, Mapping
from itertools import product

import numpy as np
from matplotlib.axes import Axes

from bench.reporting.figures import style
from bench.reporting.figures.picture import Absent, Picture
from bench.reporting.scored_run import ScoredRun
from bench.statistics.calibration import PREDICTED, Calibration, calibrations

TITLE = "Predicted score against true IoU"
LEAST = 5  # predictions in a bin that is drawn


def reliability(run: ScoredRun, kind: str) -> Iterator[Picture | Absent]:
    """One figure: one panel per data set, one line per model that predicts a score, the diagonal for a perfect one."""
    name = f"calibration-{kind}"
    records = run.records[run.records["prompt"] == kind]
    if run.protocol.selection == "oracle":
        yield Absent(name, TITLE, "the protocol scores an oracle's candidate, the models' scores are of their own")
        return
    if not (records["metric"] == PREDICTED).any():
        yield Absent(name, TITLE, f"the records hold no {PREDICTED}; `bench score` on the run writes it")
        return
    measured = {(dataset, model): one for (dataset, model, _), one in calibrations(records).items()}
    found: dict[str, dict[str, Calibration]] = {}
    for dataset, model in product(run.datasets, run.models):
        if (one := measured.get((dataset, model))) is not None and one.counts.sum():
            found.setdefault(dataset, {})[model] = one
    if not found:
        yield Absent(name, TITLE, f"no model of prompt {kind} predicts a score")
        return
    figure, axes = style.panels(len(found), 3.1, 3.0)
    shown = style.looks(run.models)
    for ax, (dataset, models) in zip(axes, found.items(), strict=True):
        _panel(ax, dataset, models, shown)
    axes[0].set_ylabel("mean true IoU")
    entries = {m: look for m, look in shown.items() if any(m in models for models in found.values())}
    note = run.note(
        [kind],
        f"Predictions in ten bins of their own score (bins with fewer than {LEAST} are left out, the larger the marker "
        "the more predictions); on the dashed line a score means what it says. ECE: expected calibration error.",
    )
    style.finish(figure, f"{TITLE}, prompt {kind}", note, entries)
    yield Picture(name, f"{TITLE}, prompt {kind}", note, _words(found), figure)


def _panel(ax: Axes, dataset: str, models: Mapping[str, Calibration], shown: Mapping[str, style.Look]) -> None:
    ax.plot([0, 1], [0, 1], linestyle="--", color="#808080", linewidth=1)
    lines = []
    for model, one in models.items():
        look, enough = shown[model], one.counts >= LEAST
        x, y = one.predicted[enough], one.true[enough]
        ax.plot(x, y, color=look.colour, linewidth=1, linestyle=look.line, label=model)
        ax.scatter(x, y, 12 + 60 * one.counts[enough] / one.counts.sum(), color=look.colour, marker=look.marker)
        lines.append(f"{model} {one.ece:.2f}")
    ax.text(0.03, 0.97, "\n".join(["ECE", *lines]), transform=ax.transAxes, va="top", fontsize=6, color="#505050")
    style.name(ax, dataset)
    ax.set(xlabel="mean predicted score", xlim=(0, 1.02), ylim=(0, 1.02))


def _words(found: Mapping[str, Mapping[str, Calibration]]) -> str:
    parts = [
        f"{dataset}: "
        + ", ".join(
            f"{m} {'over' if one.bias > 0 else 'under'}rates itself by {abs(one.bias):.2f}" for m, one in models.items()
        )
        for dataset, models in found.items()
        if not all(np.isnan(one.bias) for one in models.values())
    ]
    return f"Reliability curves. {'; '.join(parts)}."
