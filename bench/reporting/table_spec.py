"""Which numbers of a run stand in a table, and the caption that says so."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from bench import protocols
from bench.errors import RunError
from bench.prompting import kinds
from bench.protocols import EMPTY_RULES
from bench.reporting.scored_run import Scored
from bench.scoring.metrics import UNDEFINED_EMPTY, Metric
from bench.statistics.bootstrap import DRAWS, LEVEL
from bench.statistics.patients import AGGREGATIONS
from bench.statistics.rows import chosen_metric

INTERVALS = (
    f"In brackets: {100 * LEVEL:.0f} % intervals, bootstrap over patients ({DRAWS:,} draws, the same for all models; "
    "-: fewer than two patients)."
)


@dataclass(frozen=True, slots=True)
class View:
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
        """File stem of its table: unique among the views of a run."""
        stacked = AGGREGATIONS[self.aggregation].volume  # says already that the metric is that of volumes
        metric = self.metric.name.removeprefix("volume_") if stacked else self.metric.name
        return f"{metric}-{self.prompt}-{self.aggregation}"

    def select(self, records: pd.DataFrame) -> pd.DataFrame:
        """The records behind the table."""
        rounds = records["round"].isna() if self.round is None else records["round"] == self.round
        return records[(records["prompt"] == self.prompt) & (records["metric"] == self.metric.name) & rounds]


def view(
    run: Scored, prompt: str, aggregation: str | None = None, prompt_round: int | None = None, metric: str = "dice"
) -> View:
    """Settle the defaults of a table.

    Args:
        run: the run.
        prompt: a prompt kind of the run.
        aggregation: None for the protocol's own.
        prompt_round: None for the last round.
        metric: name, see `bench.metrics`; "volume" as aggregation reads that of stacked volumes.

    Raises:
        RunError: the run has no such prompt, metric, round or aggregation.
        ValueError: there is no such metric.
    """
    aggregation = aggregation or run.aggregation
    require("aggregation", aggregation, list(AGGREGATIONS))
    require("prompt", prompt, run.facts["config"]["prompts"])
    measured = chosen_metric(metric, aggregation)
    require("metric", measured.name, list(run.records["metric"].unique()))
    if measured.by_object:
        return View(prompt, aggregation, measured, None)
    found = run.records.loc[run.records["prompt"] == prompt, "round"].dropna()
    rounds = sorted(found.unique().tolist()) or [1]
    prompt_round = rounds[-1] if prompt_round is None else prompt_round
    require("round", prompt_round, rounds)
    return View(prompt, aggregation, measured, prompt_round)


def require(what: str, value: object, known: Sequence[object]) -> None:
    """Refuse what the run does not have.

    Raises:
        RunError: names the value and what there is.
    """
    if value not in known:
        raise RunError(f"this run has no {what} {value!r}; it has {', '.join(map(str, known))}")


def caption(facts: dict[str, Any], chosen: View) -> str:
    """What a reader must know to read the numbers without any other text."""
    protocol = protocols.load(facts["config"]["protocol"])
    kind, metric = kinds.KINDS[chosen.prompt], chosen.metric
    rounds = f", round {chosen.round}" if kind.rounds and chosen.round else ""
    count = "objects" if metric.by_object else "volumes" if metric.volume else "masks"
    averaged = AGGREGATIONS[chosen.aggregation].text.replace("masks", count)
    better = {True: "; higher is better", False: "; lower is better", None: ""}[metric.higher_is_better]
    alone = " (the Average counts images)" if chosen.aggregation == "mean_image" else ""
    asked = protocols.asking_text(protocol, kinds.on_every_slice([chosen.prompt]))
    return (
        f"{metric.title} ({metric.unit}; {_measured(metric, protocol)}{better}), "
        f"prompt {chosen.prompt}{rounds}: {kind.text}; "
        f"protocol {protocol.name}: {asked}; {protocols.selection_text(protocol)}; "
        f"{chosen.aggregation}: {averaged}. {facts['world_text']} {INTERVALS} n: {count}{alone}."
    )


def _measured(metric: Metric, protocol: protocols.Protocol) -> str:
    """What is measured, and by the protocol's rule what it is where there is nothing to measure."""
    text = metric.text
    if metric.volume:
        text = f"{text}; slices that were not asked for count as empty"
    if not metric.settled:
        return text
    return f"{text.replace(UNDEFINED_EMPTY, EMPTY_RULES[protocol.empty_rule])}"
