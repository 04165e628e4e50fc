"""A scored run as its tables and figures read it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from bench import protocols
from bench.data import catalogue
from bench.statistics.rows import Rows
from bench.store.run_folder import read_records, read_run


@dataclass(frozen=True, slots=True, eq=False)
class Scored:
    """A scored run.

    Attributes:
        facts: `run.json`.
        records: `records.parquet`.
    """

    facts: dict[str, Any]
    records: pd.DataFrame

    @property
    def aggregation(self) -> str:
        """The protocol's own."""
        return protocols.load(self.facts["config"]["protocol"]).aggregation

    @property
    def rows(self) -> Rows:
        """For each data set, row label to the targets pooled in it."""
        return {name: catalogue.load(name).rows for name in self.facts["config"]["datasets"]}


def scored(run: Path) -> Scored:
    """A run's description and records.

    Raises:
        RunError: the folder is not a run, or not scored.
    """
    return Scored(read_run(run), read_records(run))
