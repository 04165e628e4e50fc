"""Who has seen what: whether weights were trained on a data set, and under which terms both may be used."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import Literal, get_args

import pandas as pd

from bench.config import World
from bench.data import catalogue
from bench.errors import RunError
from bench.reporting.tables.text_table import TextTable

# results/ lies beside the packages in a checkout and, as package data, in an installation.
FILE = Path(__file__).parents[3] / "results" / "ledger.csv"

Seen = Literal["yes", "likely", "no", "unknown"]
MARKS: dict[Seen, str] = {"yes": "§", "likely": "(§)", "no": "", "unknown": "(?)"}
MEANINGS: dict[Seen, str] = {
    "yes": "the weights were trained on this data set",
    "likely": "the weights were likely trained on this data set",
    "unknown": "not known whether the weights were trained on this data set",
}
HEADS = {  # of the columns
    "group": "group",
    "model": "model",
    "weights_licence": "weights licence",
    "trained_on": "trained on",
    "dataset": "data set",
    "data_licence": "data licence",
    "seen": "seen",
    "mark": "mark",
    "source": "source",
}
PHANTOM_LICENCE = "Apache-2.0 (phantoms of this project)"


@dataclass(frozen=True, slots=True)
class LedgerEntry:
    """Whether weights have seen a data set in training.

    Attributes:
        weights, dataset: names, or patterns with `*`.
        seen: "yes" and "no" by a published list, "likely" by inference.
        source: what that rests on.
    """

    weights: str
    dataset: str
    seen: Seen
    source: str


@cache
def entries(path: Path = FILE) -> tuple[LedgerEntry, ...]:
    """The ledger, in its order: the first entry that fits counts.

    Raises:
        RunError: the file is not there.
        ValueError: a value of `seen` that is none.
    """
    if not path.is_file():
        raise RunError(f"{path} is not there; use a checkout or a full installation of segmote-bench")
    columns = ["weights", "dataset", "seen", "source"]
    rows = [LedgerEntry(*row) for row in pd.read_csv(path, dtype=str)[columns].to_numpy().tolist()]
    for row in rows:
        if row.seen not in get_args(Seen):
            raise ValueError(
                f"{path}: {row.weights}, {row.dataset}: seen must be one of {get_args(Seen)}, got {row.seen}"
            )
    return tuple(rows)


def lookup(model: str, dataset: str, world: World = "real", path: Path = FILE) -> LedgerEntry:
    """Whether a model has seen a data set; "unknown" if the ledger does not say.

    Args:
        model: "family/variant".
        dataset: as on the command line, with or without a sub-folder.
        world: "phantom": the data are drawn by this project under the name of a real data set.
        path: of the ledger.
    """
    mini = fnmatchcase(model, "*/mini")
    if mini and world == "real":
        return LedgerEntry(model, dataset, "no", "trained on nothing but what this project draws")
    if not mini and world == "phantom" and not fnmatchcase(model, "baseline/*"):
        return LedgerEntry(model, dataset, "no", "phantoms are drawn by this project, later than the weights")
    base, _ = catalogue.split_name(dataset)
    for entry in entries(path):
        if fnmatchcase(model, entry.weights) and fnmatchcase(base, entry.dataset):
            return LedgerEntry(model, dataset, entry.seen, entry.source)
    return LedgerEntry(model, dataset, "unknown", "not in the ledger")


def table(models: Mapping[str, tuple[str, str]], datasets: Sequence[str], world: World = "real") -> pd.DataFrame:
    """One row per model and data set.

    Args:
        models: name to the licence of its weights and what they were trained on.
        datasets: names.
        world: see `lookup`.

    Returns:
        Columns `model, weights_licence, trained_on, dataset, data_licence, seen, source`.
    """
    rows = []
    for model, (weights_licence, trained_on) in models.items():
        for name in datasets:
            entry = lookup(model, name, world)
            licence = catalogue.load(name).licence if world == "real" else PHANTOM_LICENCE
            rows.append([model, weights_licence, trained_on, name, licence, entry.seen, entry.source])
    names = ["model", "weights_licence", "trained_on", "dataset", "data_licence", "seen", "source"]
    return pd.DataFrame(rows, columns=names)


def text_tables(ledger: pd.DataFrame, note: str = "") -> list[TextTable]:
    """The ledger as three tables: who has seen what, the terms of the weights, the terms of the data.

    Args:
        ledger: from `table`.
        note: a sentence for the captions: which weights on which data.
    """
    seen = ledger.assign(mark=[MARKS[value] or "-" for value in ledger["seen"]])
    weights, data = (
        ledger[columns].drop_duplicates()
        for columns in (["model", "weights_licence", "trained_on"], ["dataset", "data_licence"])
    )
    about = "Whether the weights have seen a data set in training, with the source, and the mark it gives a score."
    tables = [
        _text_table(
            "ledger", "Who has seen what", about, seen[["dataset", "model", "seen", "mark", "source"]], {"source": 0.55}
        ),
        _text_table(
            "ledger-weights", "Terms of the weights", "Terms of the weights, and what they were trained on.",
            weights.assign(group="Weights")[["group", *weights]], {"weights_licence": 0.3, "trained_on": 0.4},
        ),
        _text_table(
            "ledger-data", "Terms of the data", "Terms of the data.",
            data.assign(group="Data")[["group", *data]], {"data_licence": 0.6},
        ),
    ]  # fmt: skip
    return [replace(table, caption=" ".join(filter(None, [table.caption, note]))) for table in tables]


def _text_table(name: str, heading: str, caption: str, frame: pd.DataFrame, wide: Mapping[str, float]) -> TextTable:
    """A table of the columns of a frame, some of which hold running text and take that share of the width."""
    heads = [HEADS[str(column)] for column in frame]
    return TextTable(
        name,
        caption,
        heads,
        frame.to_numpy().tolist(),
        frame,
        wide=[(HEADS[column], share) for column, share in wide.items()],
        heading=heading,
    )


def notes(found: Collection[Seen]) -> list[str]:
    """What the marks beside scores mean, of those that occur."""
    return [f"{MARKS[seen]}: {text}" for seen, text in MEANINGS.items() if seen in found]
