"""Which numbers of a run stand in a table, and the caption that says so."""

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from bench.errors import RunError
from bench.prompting.kinds import KINDS, on_every_slice
from bench.protocols import EMPTY_RULES, Protocol, asking_text, selection_text
from bench.reporting.scored_run import ScoredRun
from bench.scoring.metrics import Metric
from bench.statistics.bootstrap import DRAWS, LEVEL
from bench.statistics.patients import AGGREGATIONS
from bench.statistics.rows import chosen_metric

INTERVALS = (
    f"In brackets: {100 * LEVEL:.0f} % intervals, bootstrap over patients ({DRAWS:,} draws, the same for all models; "
    "-: fewer than two patients)."
)


@dataclass(frozen=True, slots=True)
class TableSpec:
    """Which numbers of a run stand in a table.

    Attributes:
        prompt: a prompt kind.
        aggregation: how masks become rows and rows the Average.
        metric: what is averaged.
        round: of the prompt; None for metrics that span rounds.
    """

    prompt: str
    aggregation: str
    metric: Metric
    round: int | None

    @property
    def name(self) -> str:
        """File stem of its table: unique among the tables of a run."""
        stacked = AGGREGATIONS[self.aggregation].volume  # says already that the metric is that of volumes
        metric = self.metric.name.removeprefix("volume_") if stacked else self.metric.name
        return f"{metric}-{self.prompt}-{self.aggregation}"

    @property
    def heading(self) -> str:
        """A few words for the table, where the prompt is known."""
        text = f"{self.metric.title}, {AGGREGATIONS[self.aggregation].title}"
        return text[0].upper() + text[1:]

    def select(self, records: pd.DataFrame) -> pd.DataFrame:
        """The records behind the table."""
        rounds = records["round"].isna() if self.round is None else records["round"] == self.round
        return records[(records["prompt"] == self.prompt) & (records["metric"] == self.metric.name) & rounds]


def table_spec(
    run: ScoredRun, prompt: str, aggregation: str | None = None, prompt_round: int | None = None, metric: str = "dice"
) -> TableSpec:
    """Settle the defaults of a table.

    Args:
        run: the run.
        prompt: a prompt kind of the run.
        aggregation: None for the protocol's own.
        prompt_round: None for the last round.
        metric: name, see `bench.scoring.metrics`; "volume" as aggregation reads that of stacked volumes.

    Raises:
        RunError: the run has no such prompt, metric, round or aggregation.
        ValueError: there is no such metric.
    """
    aggregation = aggregation or run.aggregation
    require("aggregation", aggregation, list(AGGREGATIONS))
    require("prompt", prompt, run.prompts)
    measured = chosen_metric(metric, aggregation)
    require("metric", measured.name, list(run.records["metric"].unique()))
    if measured.by_object:
        return TableSpec(prompt, aggregation, measured, None)
    found = run.records.loc[run.records["prompt"] == prompt, "round"].dropna()
    rounds = sorted(found.unique().tolist()) or [1]
    prompt_round = rounds[-1] if prompt_round is None else prompt_round
    require("round", prompt_round, rounds)
    return TableSpec(prompt, aggregation, measured, prompt_round)


def require(what: str, value: object, known: Sequence[object]) -> None:
    """Refuse what the run does not have.

    Raises:
        RunError: names the value and what there is.
    """
    if value not in known:
        raise RunError(f"this run has no {what} {value!r}; it has {', '.join(map(str, known))}")


def caption(run: ScoredRun, spec: TableSpec) -> str:
    """What a reader must know to read a table of scores without any other text."""
    return f"{caption_without_intervals(run, spec)} {_intervals(spec)}"


def caption_without_intervals(run: ScoredRun, spec: TableSpec) -> str:
    """The same for a table whose intervals are explained elsewhere."""
    return _join(run, spec, f"prompt {_asked(spec.prompt, spec.round)}")


def caption_by_round(run: ScoredRun, spec: TableSpec) -> str:
    """The same for a table with a line per round, up to that of `spec`."""
    kind = KINDS[spec.prompt]
    asked = f"prompt {spec.prompt}, rounds 1 to {spec.round}: {kind.text}"
    return f"{_join(run, spec, asked)} {_intervals(spec)}"


def caption_by_prompt(run: ScoredRun, spec: TableSpec) -> str:
    """The same for a table with a line per prompt kind of the run."""
    kinds = "; ".join(f"{kind}: {KINDS[kind].text}" for kind in run.prompts)
    return f"{_join(run, spec, f'Average of each data set by prompt. {kinds}')} {_intervals(spec)}"


def _join(run: ScoredRun, spec: TableSpec, asked: str) -> str:
    protocol, metric = run.protocol, spec.metric
    better = {True: "; higher is better", False: "; lower is better", None: ""}[metric.higher_is_better]
    averaged = AGGREGATIONS[spec.aggregation].caption(_counted(metric))
    return (
        f"{metric.title} ({metric.unit}; {_measured(metric, protocol)}{better}), {asked}; "
        f"protocol {protocol.name}: {asking_text(protocol, on_every_slice([spec.prompt]))}; "
        f"{selection_text(protocol)}; {spec.aggregation}: {averaged}. {run.facts.setting}"
    )


def _asked(prompt: str, prompt_round: int | None) -> str:
    kind = KINDS[prompt]
    rounds = f", round {prompt_round}" if kind.rounds and prompt_round else ""
    return f"{prompt}{rounds}: {kind.text}"


def _counted(metric: Metric) -> str:
    return "objects" if metric.by_object else "volumes" if metric.volume else "masks"


def _intervals(spec: TableSpec) -> str:
    alone = " (the Average counts images)" if spec.aggregation == "mean_image" else ""
    return f"{INTERVALS} n: {_counted(spec.metric)}{alone}."


def _measured(metric: Metric, protocol: Protocol) -> str:
    """What is measured, and by the protocol's rule what it is where there is nothing to measure."""
    parts = [metric.text]
    if metric.settled:
        parts.append(EMPTY_RULES[protocol.empty_rule])
    if metric.volume:
        parts.append("slices that were not asked for count as empty")
    return "; ".join(parts)
