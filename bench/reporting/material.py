"""What the figures of a run are drawn from: its description and its records, and the numbers that several need."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from bench import protocols
from bench.data import catalogue
from bench.prompting.kinds import KINDS
from bench.statistics.bootstrap import Comparison, compare
from bench.statistics.patients import PatientScores, patient_scores
from bench.statistics.rows import with_rows


@dataclass(frozen=True, slots=True, eq=False)
class Material:
    """A scored run.

    Attributes:
        facts: `run.json`.
        records: `records.parquet`.
    """

    facts: dict[str, Any]
    records: pd.DataFrame
    _compared: dict[str, dict[str, Comparison]] = field(default_factory=dict, repr=False)

    @property
    def models(self) -> list[str]:
        """In the order of the tables."""
        return list(self.facts["config"]["models"])

    @property
    def datasets(self) -> list[str]:
        """In the order of the tables."""
        return list(self.facts["config"]["datasets"])

    @property
    def kinds(self) -> list[str]:
        """Prompt kinds of the run."""
        return list(self.facts["config"]["prompts"])

    @property
    def aggregation(self) -> str:
        """The protocol's own."""
        return protocols.load(self.facts["config"]["protocol"]).aggregation

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
        return with_rows(chosen, {name: catalogue.rows(name) for name in self.datasets})

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
        """What a reader must know: the text, then prompt, protocol, counts, who was not asked, weights and data."""
        config = self.facts["config"]
        asked = ", ".join(self._named(kind) for kind in kinds)
        refused = sorted({row["model"] for row in self.facts["not_applicable"] if row["prompt"] in kinds})
        parts = [text, f"Prompt {asked}; protocol {config['protocol']}.", self._counts(kinds)]
        parts += [f"Not trained on such prompts and not asked: {', '.join(refused)}."] if refused else []
        forced = sorted({row["model"] for row in self.facts["untrained"] if row["prompt"] in kinds})
        parts += [f"Asked though never trained on such prompts: {', '.join(forced)}."] if forced else []
        return " ".join([*parts, self.facts["world_text"]])

    def _counts(self, kinds: Sequence[str]) -> str:
        slices = self.records[self.records["prompt"].isin(kinds) & (self.records["metric"] == "dice")]
        asked = slices.drop_duplicates(["dataset", "case", "slice", "target"])
        found = {name: part for name, part in asked.groupby("dataset")}
        texts = [
            f"{name} {len(found[name])} ({found[name]['patient'].nunique()})" for name in self.datasets if name in found
        ]
        return f"n, masks (patients): {', '.join(texts)}."

    def _named(self, kind: str) -> str:
        return f"{kind} (up to {self.facts['config']['clicks']} rounds)" if KINDS[kind].rounds else kind
