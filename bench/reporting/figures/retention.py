"""Dice by distance from the prompted slice: how long a propagated mask holds on to its object."""

from collections.abc import Iterator, Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from bench.protocols import prompted_slice
from bench.reporting.figures import style
from bench.reporting.figures.picture import Absent, Picture
from bench.reporting.scored_run import ScoredRun
from bench.store.masks import MaskShard
from bench.store.run_folder import targets_path

TITLE = "Dice by distance from the prompted slice"
EDGES_MM = (0.0, 5.0, 10.0, 20.0, 30.0, 50.0, 80.0)  # of the bins; the prompted slice itself stands at 0
OBJECT = ["dataset", "case", "target"]


def retention(run: ScoredRun, kind: str) -> Iterator[Picture | Absent]:
    """One figure of a run by propagation, and none of others: one panel per data set, one line per model."""
    if run.protocol.prompted == "every":
        return
    name = f"dice-by-distance-{kind}"
    records = with_distances(run, run.scores(kind))
    found = {d: curves(part) for d in run.datasets if len(part := records[records["dataset"] == d])}
    if not found:
        yield Absent(name, TITLE, f"no volume has slices of known distance with prompt {kind}")
        return
    figure, axes = style.panels(len(found), 3.1, 2.6)
    shown = style.looks(run.models)
    for ax, (dataset, lines) in zip(axes, found.items(), strict=True):
        _panel(ax, dataset, lines, shown)
    axes[0].set_ylabel("Dice (%)")
    style.percents(axes, np.concatenate([line.to_numpy() for lines in found.values() for line in lines.values()]))
    entries = {m: look for m, look in shown.items() if any(m in lines for lines in found.values())}
    note = run.note(
        [kind],
        f"Mean over all slices that contain the target, by distance from the {run.protocol.prompted} one; models that "
        "propagate were prompted there only, all others on each of these slices.",
    )
    style.finish(figure, f"{TITLE}, prompt {kind}", note, entries)
    yield Picture(name, f"{TITLE}, prompt {kind}", note, _words(found), figure)


def with_distances(run: ScoredRun, records: pd.DataFrame) -> pd.DataFrame:
    """Records of slices that contain their target, with `distance_mm` from the prompted one; pictures are left out."""
    rows = records[records["slice"].notna() & (records["area_px"] > 0)]
    areas = rows.drop_duplicates([*OBJECT, "slice"]).groupby(OBJECT)
    prompted = {
        key: prompted_slice(dict(zip(part["slice"], part["area_px"], strict=True)), run.protocol.prompted)
        for key, part in areas
    }
    cases = rows[["dataset", "case"]].drop_duplicates().itertuples(index=False)
    spacing = {(dataset, case): _slice_mm(run, dataset, case) for dataset, case in cases}
    distances = [
        np.nan if (mm := spacing[dataset, case]) is None else mm * abs(index - prompted[dataset, case, target])
        for dataset, case, target, index in rows[[*OBJECT, "slice"]].itertuples(index=False)
    ]
    return rows.assign(distance_mm=np.array(distances, float)).dropna(subset="distance_mm")


def _slice_mm(run: ScoredRun, dataset: str, case: str) -> float | None:
    index = MaskShard.load(targets_path(run.folder, dataset, case)).index
    found: float | None = index[0].get("slice_mm")
    return found


def curves(records: pd.DataFrame) -> Mapping[str, pd.Series]:
    """For each model the mean Dice in percent by the middle of a bin of distances in mm, 0 for the prompted slice."""
    edges = [*EDGES_MM, np.inf]
    place = np.where(records["distance_mm"] == 0, -1, np.searchsorted(edges, records["distance_mm"]) - 1)
    far = float(records["distance_mm"].max())
    middles = {-1: 0.0} | {k: (edges[k] + min(edges[k + 1], max(far, edges[k]))) / 2 for k in range(len(edges) - 1)}
    at = pd.Series(place, records.index).map(middles)
    means = 100 * records["value"].groupby([records["model"], at]).mean()
    return {str(model): part.droplevel(0).dropna() for model, part in means.groupby(level=0)}


def _panel(ax: Axes, dataset: str, lines: Mapping[str, pd.Series], shown: Mapping[str, style.Look]) -> None:
    for model, line in lines.items():
        look = shown[model]
        ax.plot(line.index, line, color=look.colour, marker=look.marker, linestyle=look.line, label=model)
    style.name(ax, dataset)
    ax.set(xlabel="distance (mm)", xlim=(-1, None))


def _words(found: Mapping[str, Mapping[str, pd.Series]]) -> str:
    parts = [
        f"{dataset}: " + ", ".join(f"{m} from {v.iloc[0]:.1f} to {v.iloc[-1]:.1f}" for m, v in lines.items() if len(v))
        for dataset, lines in found.items()
    ]
    return f"Lines of Dice in percent from the prompted slice to the farthest ones. {'; '.join(parts)}."
