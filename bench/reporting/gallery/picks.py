"""Which predictions a gallery shows: the worst of every model, and the same random objects for all."""

from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import pandas as pd

from bench.prompting import seeds
from bench.reporting.scored_run import ScoredRun

AT_MOST = 5  # of each sort for one (prompt, data set, model)
CARDS = 480  # about as many in all
OBJECT = ["case", "slice", "target"]


@dataclass(frozen=True, slots=True)
class Pick:
    """A prediction to be shown.

    Attributes:
        label: row of the tables that the target belongs to.
        dice: in [0, 1].
        why: "worst" of its model on the data set, or of "random" objects, the same for all models.
    """

    model: str
    dataset: str
    patient: str
    case: str
    slice: int
    target: str
    label: str
    prompt: str
    round: int
    dice: float
    why: Literal["worst", "random"]


def select(run: ScoredRun) -> list[Pick]:
    """Picks of every prompt, by prompt and data set; fewer of each where there are many models and data sets."""
    parts = [
        part[part["value"].notna()]
        for kind in run.prompts
        for _, part in run.scores(kind).groupby("dataset", sort=False)
    ]
    pairs = sum(part["model"].nunique() for part in parts)
    share = max(1, min(AT_MOST, CARDS // max(1, 2 * pairs)))
    return [pick for part in parts for pick in _of_one_data_set(part, share)]


def _of_one_data_set(records: pd.DataFrame, share: int) -> Iterator[Pick]:
    """At most `share` objects of each sort: of each object's slices the worst one, of different objects."""
    ordered = records.sort_values(["value", *OBJECT], kind="stable")
    different = ordered.drop_duplicates(["model", "case", "target"])
    for row in different.groupby("model", sort=False).head(share).to_dict("records"):
        yield _pick(row, "worst")
    objects = records[OBJECT].drop_duplicates().sort_values(OBJECT).reset_index(drop=True)
    if len(objects):
        first = records.iloc[0]
        rng = seeds.generator("gallery", first["dataset"], first["prompt"])
        drawn = objects.iloc[rng.permutation(len(objects))[:share]]
        for row in drawn.merge(records, on=OBJECT, how="left").to_dict("records"):
            yield _pick(row, "random")


def _pick(row: Mapping[Hashable, Any], why: Literal["worst", "random"]) -> Pick:
    names = ("model", "dataset", "patient", "case", "slice", "target", "prompt", "round")
    return Pick(**{name: row[name] for name in names}, label=row["row"], dice=row["value"], why=why)
