"""Our numbers for the paper's tables: which runs can stand beside the printed ones, and what they measured."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.comparing.published import DATASETS, MODELS, Key, Measured
from bench.config import RunConfig
from bench.data import catalogue
from bench.errors import RunError
from bench.reporting.scored_run import read_scored_run
from bench.reporting.table_spec import table_spec
from bench.reporting.tables.run_tables import scores_table
from bench.reporting.tables.table import Table
from bench.statistics.patients import AVERAGE
from bench.store.run_folder import read_run

PROMPT, AGGREGATION = "box", "macro_class"  # of the paper's Tables 1 and 2; 12 of 14 printed averages are means of rows


@dataclass(frozen=True, slots=True)
class Ours:
    """What our runs say of the printed numbers.

    Attributes:
        values: by data set, row and model, in percent.
        used: a sentence per run: what its numbers are.
        refused: a sentence per run that cannot stand beside the paper: why not.
    """

    values: Mapping[Key, Measured]
    used: Sequence[str]
    refused: Sequence[str]


def ours(runs: Sequence[Path]) -> Ours:
    """The numbers of scored runs that are comparable with the paper's: official weights on whole, real data sets.

    Raises:
        RunError: a folder is no scored run, or two runs measure the same number.
    """
    values: dict[Key, Measured] = {}
    used, refused = [], []
    for run in runs:
        config = read_run(run).config
        reasons = not_comparable(config)
        if reasons:
            refused.append(f"{run} is not comparable with the paper: {'; '.join(reasons)}")
            continue
        scored = read_scored_run(run)
        found = measured(scores_table(scored, table_spec(scored, PROMPT, AGGREGATION)))
        twice = sorted(values.keys() & found.keys())
        if twice:
            raise RunError(f"{run} measures {' '.join(twice[0])} again; give one run a data set and model")
        values |= found
        used.append(f"{run}: protocol {config.protocol}, prompt {PROMPT}, {AGGREGATION}")
    return Ours(values, used, refused)


def not_comparable(config: RunConfig) -> list[str]:
    """Why the numbers of a run cannot be held against the paper's; nothing if they can."""
    minis = [name for name in config.models if name.endswith("/mini")]
    checks = {
        "mini weights, which are not the published models": bool(minis),
        "untrained weights": config.allow_random,
        "phantom data, drawn by this project": config.world != "real",
        f"only the first {config.limit} cases of each data set (--limit)": config.limit is not None,
        f"no prompt {PROMPT}, which the paper's tables use": PROMPT not in config.prompts,
        "none of the paper's models": not set(config.models) & set(MODELS.values()),
        "none of the paper's data sets": not set(config.datasets) & set(DATASETS.values()),
    }
    return [reason for reason, wrong in checks.items() if wrong]


def measured(table: Table) -> dict[Key, Measured]:
    """The numbers of a table with their intervals, in percent; an Average only if all rows of the data set are there.

    Values without an interval (one patient) are left out: nothing can be reproduced within it.
    """
    labels = {name: {line.label for line in table.lines if line.group == name} for name in DATASETS.values()}
    whole = {name for name in labels if set(catalogue.rows(name)) <= labels[name]}
    return {
        (line.group, line.label.lower(), model): Measured(100 * cell.value, 100 * cell.low, 100 * cell.high)
        for line in table.lines
        if line.group in labels and (line.label != AVERAGE or line.group in whole)
        for model, cell in zip(table.models, line.cells, strict=True)
        if model in MODELS.values() and cell.defined and cell.low == cell.low
    }
