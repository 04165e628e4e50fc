"""A scored run as its tables and figures read it: its description and its records, read once."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from bench import protocols
from bench.data import catalogue
from bench.prompting.kinds import KINDS
from bench.protocols import Protocol
from bench.statistics.bootstrap import Comparison, compare
from bench.statistics.patients import PatientScores, patient_scores
from bench.statistics.rows import Rows, with_rows
from bench.store.records import read_records
from bench.store.run_facts import RunFacts
from bench.store.run_folder import read_run


@dataclass(frozen=True, slots=True, eq=False)
class ScoredRun:
    """A scored run.

    Attributes:
        folder: the run folder.
        facts: `run.json`.
        records: `records.parquet`, or the part of it that a table needs.
    """

    folder: Path
    facts: RunFacts
    records: pd.DataFrame
    _compared: dict[str, dict[str, Comparison]] = field(default_factory=dict, repr=False)

    @property
    def models(self) -> Sequence[str]:
        """In the order of the tables."""
        return self.facts.config.models

    @property
    def datasets(self) -> Sequence[str]:
        """In the order of the tables."""
        return self.facts.config.datasets

    @property
    def prompts(self) -> Sequence[str]:
        """Prompt kinds of the run."""
        return self.facts.config.prompts

    @property
    def clicks(self) -> int:
        """Rounds of the prompt kinds that have rounds."""
        return self.facts.config.clicks

    @property
    def protocol(self) -> Protocol:
        """Whose rules the run followed."""
        return protocols.load(self.facts.config.protocol)

    @property
    def aggregation(self) -> str:
        """The protocol's own."""
        return self.protocol.aggregation

    @property
    def rows(self) -> Rows:
        """For each data set, row label to the targets pooled in it."""
        return {name: catalogue.rows(name) for name in self.datasets}

    def scores(self, kind: str, metric: str = "dice", prompt_round: int | None = None) -> pd.DataFrame:
        """Records of one metric, prompt and round with a column `row`, the row of the tables.

        Args:
            kind: of the prompt.
            metric: name in the records.
            prompt_round: None for the last one.
        """
        chosen = self.records[(self.records["prompt"] == kind) & (self.records["metric"] == metric)]
        if prompt_round is None:
            prompt_round = chosen["round"].max()
        chosen = chosen[chosen["round"] == prompt_round] if len(chosen) else chosen
        return with_rows(chosen, self.rows)

    def by_patient(
        self, kind: str, prompt_round: int | None = None, row: str = "row", records: pd.DataFrame | None = None
    ) -> dict[str, PatientScores]:
        """Sums by patient of every data set that has records, by the protocol's own aggregation.

        Args:
            kind, prompt_round: which records.
            row: the column that names the rows.
            records: instead of those of `kind` and `prompt_round`.
        """
        metric = "volume_dice" if self.aggregation == "volume" else "dice"
        chosen = self.scores(kind, metric, prompt_round) if records is None else records
        return {
            name: patient_scores(part, self.aggregation, row)
            for name in self.datasets
            if len(part := chosen[chosen["dataset"] == name]) and part["value"].notna().any()
        }

    def comparisons(self, kind: str) -> dict[str, Comparison]:
        """Averages with intervals and ranks, by data set."""
        if kind not in self._compared:  # several figures need it
            self._compared[kind] = {
                name: compare({name: one}, reference=one.models[0])[name] for name, one in self.by_patient(kind).items()
            }
        return self._compared[kind]

    def note(self, kinds: Sequence[str], text: str) -> str:
        """What a reader of a figure must know: the text, prompt, protocol, counts, who was not asked, weights and data.

        Args:
            kinds: prompt kinds that the figure shows.
            text: what it shows.
        """
        asked = ", ".join(f"{kind} (up to {self.clicks} rounds)" if KINDS[kind].rounds else kind for kind in kinds)
        refused = sorted({model for model, kind in self.facts.not_applicable if kind in kinds})
        parts = [text, f"Prompt {asked}; protocol {self.facts.config.protocol}.", self._counts(kinds)]
        parts += [f"Not trained on such prompts and not asked: {', '.join(refused)}."] if refused else []
        forced = sorted({model for model, kind in self.facts.untrained if kind in kinds})
        parts += [f"Asked though never trained on such prompts: {', '.join(forced)}."] if forced else []
        return " ".join([*parts, self.facts.setting])

    def _counts(self, kinds: Sequence[str]) -> str:
        slices = self.records[self.records["prompt"].isin(kinds) & (self.records["metric"] == "dice")]
        asked = slices.drop_duplicates(["dataset", "case", "slice", "target"])
        found = {name: part for name, part in asked.groupby("dataset")}
        texts = [
            f"{name} {len(found[name])} ({found[name]['patient'].nunique()})" for name in self.datasets if name in found
        ]
        return f"n, masks (patients): {', '.join(texts)}."


def read_scored_run(folder: Path) -> ScoredRun:
    """A run's description and records.

    Raises:
        RunError: the folder is not a run, or not scored.
    """
    return ScoredRun(folder, read_run(folder), read_records(folder))
