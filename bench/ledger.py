"""Who has seen what: whether weights were trained on a data set, and under which terms both may be used."""

from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import Literal, get_args

import pandas as pd
from tabulate import tabulate

import adapters
from bench import catalogue
from bench.store import RunError

# results/ lies beside the packages in a checkout and, as package data, in an installation.
FILE = Path(__file__).parents[1] / "results" / "ledger.csv"

Seen = Literal["yes", "likely", "no", "unknown"]
MARKS: dict[Seen, str] = {"yes": "§", "likely": "(§)", "no": "", "unknown": "(?)"}


@dataclass(frozen=True, slots=True)
class Entry:
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
def entries(path: Path = FILE) -> tuple[Entry, ...]:
    """The ledger, in its order: the first entry that fits counts.

    Raises:
        RunError: the file is not there.
        ValueError: a value of `seen` that is none.
    """
    if not path.is_file():
        raise RunError(f"{path} is not there; use a checkout or a full installation of segmote-bench")
    columns = ["weights", "dataset", "seen", "source"]
    rows = [Entry(*row) for row in pd.read_csv(path, dtype=str)[columns].to_numpy().tolist()]
    for row in rows:
        if row.seen not in get_args(Seen):
            raise ValueError(
                f"{path}: {row.weights}, {row.dataset}: seen must be one of {get_args(Seen)}, got {row.seen}"
            )
    return tuple(rows)


def lookup(model: str, dataset: str, path: Path = FILE) -> Entry:
    """Whether a model has seen a data set; "unknown" if the ledger does not say.

    Args:
        model: "family/variant".
        dataset: as on the command line, with or without a sub-folder.
        path: of the ledger.
    """
    base, _ = catalogue.split_name(dataset)
    for entry in entries(path):
        if fnmatchcase(model, entry.weights) and fnmatchcase(base, entry.dataset):
            return Entry(model, dataset, entry.seen, entry.source)
    return Entry(model, dataset, "unknown", "not in the ledger")


def table(models: Sequence[str], datasets: Sequence[str]) -> pd.DataFrame:
    """One line a (model, data set).

    Returns:
        Columns `model, weights_licence, trained_on, dataset, data_licence, seen, source`.
    """
    rows = []
    for card in map(adapters.card, models):
        for name in datasets:
            entry = lookup(card.name, name)
            licence = catalogue.load(name).licence
            rows.append([card.name, card.licence, card.trained_on, name, licence, entry.seen, entry.source])
    names = ["model", "weights_licence", "trained_on", "dataset", "data_licence", "seen", "source"]
    return pd.DataFrame(rows, columns=names)


def render(ledger: pd.DataFrame) -> str:
    """The ledger as plain text: who has seen what, then the terms of weights and data."""
    seen = ledger[["model", "dataset", "seen", "source"]]
    terms = [
        ledger[columns].drop_duplicates()
        for columns in (["model", "weights_licence", "trained_on"], ["dataset", "data_licence"])
    ]
    parts = [
        tabulate(part.to_numpy().tolist(), [name.replace("_", " ") for name in part], maxcolwidths=60)
        for part in (seen, *terms)
    ]
    return "\n\n".join(parts)
