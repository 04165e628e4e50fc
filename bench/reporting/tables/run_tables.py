"""All tables of a run: of every prompt kind, by aggregation and metric, by round, by prompt; ranks and terms."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import chain
from typing import TYPE_CHECKING

import pandas as pd

from bench.data import catalogue
from bench.errors import RunError
from bench.prompting.kinds import KINDS, round_name
from bench.reporting.scored_run import ScoredRun
from bench.reporting.table_spec import (
    TableSpec,
    caption,
    caption_by_prompt,
    caption_by_round,
    caption_without_intervals,
    require,
    table_spec,
)
from bench.reporting.tables import ledger
from bench.reporting.tables.averages import cells
from bench.reporting.tables.protocol_ranking import protocol_ranking
from bench.reporting.tables.ranking import ranking
from bench.reporting.tables.table import Cell, Line, Table
from bench.reporting.tables.text_table import TextTable
from bench.scoring import metrics
from bench.statistics.patients import AGGREGATIONS, AVERAGE, patient_scores
from bench.statistics.rows import chosen_metric, with_rows
from bench.store.run_facts import RunFacts

if TYPE_CHECKING:
    from bench.workers import Task

AnyTable = Table | TextTable
NOTHING = Cell(float("nan"))
ACTIONS = "user_actions"


def scores_table(run: ScoredRun, spec: TableSpec) -> Table:
    """The table of scores that a spec describes: classes by models."""
    lines = _lines(run, spec)
    return Table(
        spec.name,
        caption(run, spec),
        run.models,
        lines,
        [*_notes(lines), *_actions_note(run, spec)],
        spec.metric,
        titles=_titles(run.facts),
        prompt=spec.prompt,
        heading=spec.heading,
    )


def _actions(run: ScoredRun, spec: TableSpec) -> pd.DataFrame:
    """Records of what the user gave for the volumes of a table; none where the protocol prompts every slice."""
    same = (run.records["prompt"] == spec.prompt) & (run.records["round"] == spec.round)
    return run.records[same & (run.records["metric"] == ACTIONS)]


def _actions_note(run: ScoredRun, spec: TableSpec) -> list[str]:
    means = _actions(run, spec).groupby("model")["value"].mean()
    texts = [f"{model} {means[model]:.1f}" for model in run.models if model in means.index]
    return [f"user actions per volume: {', '.join(texts)}"] if texts else []


def _titles(facts: RunFacts) -> dict[str, str]:
    data = {name: catalogue.load(name).title for name in facts.config.datasets}
    return data | {name: model.title for name, model in facts.models.items()}


def _lines(run: ScoredRun, spec: TableSpec) -> list[Line]:
    values = cells(spec.select(run.records), spec.aggregation, run.rows, spec.metric.name)
    lines = []
    for dataset in run.datasets:
        labels = {label for name, label, _ in values if name == dataset}
        known = [label for label in catalogue.rows(dataset) if label in labels]
        others = sorted(labels - set(known) - {AVERAGE})
        average = [AVERAGE] if len(known) + len(others) > 1 else []
        for label in [*known, *others, *average]:
            found = {model: values.get((dataset, label, model), NOTHING) for model in run.models}
            marked = [_marked(cell, run, dataset, model, spec.prompt) for model, cell in found.items()]
            lines.append(Line(dataset, label, marked))
    return lines


def _marked(cell: Cell, run: ScoredRun, dataset: str, model: str, prompt: str) -> Cell:
    """The cell with what it says beside its number."""
    return replace(
        cell,
        applicable=(model, prompt) not in run.facts.not_applicable,
        forced=(model, prompt) in run.facts.untrained,
        seen=ledger.lookup(model, dataset, run.facts.config.world).seen,
    )


def _notes(lines: Sequence[Line]) -> list[str]:
    """What the marks of a table mean, of those that stand in it."""
    found = [cell for line in lines for cell in line.cells]
    texts = {
        "n/a: the model was not trained on such prompts": any(not cell.applicable for cell in found),
        "*: asked with prompts that it was not trained on": any(cell.forced for cell in found),
        "uK: K undefined values left out": any(cell.undefined for cell in found if cell.applicable),
        "fK: K failed predictions left out": any(cell.failed for cell in found if cell.applicable),
    }
    return [*ledger.notes({cell.seen for cell in found if cell.defined}), *(t for t, there in texts.items() if there)]


def comparison_table(run: ScoredRun, spec: TableSpec, reference: str | None = None) -> TextTable:
    """Each model against a reference on every data set, the best first.

    Args:
        run: the run.
        spec: which numbers are compared.
        reference: model to compare with, or the name of its family; None: the best of each data set.

    Raises:
        RunError: the run has no such model, or several of that family.
    """
    records = with_rows(spec.select(run.records), run.rows)
    scores = {
        name: patient_scores(part, spec.aggregation, row="row")
        for name in run.datasets
        if len(part := records[records["dataset"] == name])
    }
    text = caption_without_intervals(run, spec)
    model = None if reference is None else _model_of(run, reference)
    made = ranking(f"comparison-{spec.name}", text, scores, spec.metric, model)
    return replace(made, titles=_titles(run.facts), prompt=spec.prompt, heading=f"Comparison: {spec.heading}")


def _model_of(run: ScoredRun, name: str) -> str:
    found = [model for model in run.models if name in (model, model.partition("/")[0])]
    if len(found) > 1:
        raise RunError(f"this run has several models {name!r}: {', '.join(found)}; name one of them")
    if not found:
        require("model", name, run.models)
    return found[0]


def click_table(run: ScoredRun, prompt: str) -> Table:
    """Averages by number of clicks: one line per data set and round."""
    specs = {number: table_spec(run, prompt, None, number) for number in range(1, run.clicks + 1)}
    by_round = {number: scores_table(run, spec) for number, spec in specs.items()}
    lines = [
        replace(line, label=round_name(prompt, number))
        for dataset in run.datasets
        for number, made in by_round.items()
        for line in made.summary().lines
        if line.group == dataset
    ]
    last = specs[run.clicks]
    return replace(
        by_round[run.clicks],
        name=f"dice-{prompt}-by-round",
        caption=caption_by_round(run, last),
        lines=lines,
        notes=_notes(lines),
        heads=("data set", "round"),
        heading=f"{last.metric.title}, by round",
        role="rounds",
    )


def prompt_table(run: ScoredRun) -> Table:
    """Averages by prompt: one line per model and prompt, one column per data set, the best prompt of each marked."""
    made = {kind: scores_table(run, table_spec(run, kind)) for kind in run.prompts}
    lines = []
    for place, model in enumerate(run.models):
        for kind, one in made.items():
            rounds = f", round {run.clicks}" if KINDS[kind].rounds else ""
            by_group = {line.group: line.cells[place] for line in one.summary().lines}
            lines.append(Line(model, kind + rounds, [by_group.get(name, NOTHING) for name in run.datasets]))
    return replace(
        made[run.prompts[0]],
        name="dice-by-prompt",
        caption=caption_by_prompt(run, table_spec(run, run.prompts[0])),
        models=run.datasets,
        lines=lines,
        notes=_notes(lines),
        heads=("model", "prompt"),
        axis="dataset",
        down=True,
        prompt="",
        heading="Dice by prompt",
    )


def ledger_tables(facts: RunFacts) -> list[TextTable]:
    """Which of a run's models have seen which of its data sets, and the terms of both."""
    config = facts.config
    terms = {name: (model.licence, model.trained_on) for name, model in facts.models.items()}
    return ledger.text_tables(ledger.table(terms, config.datasets, config.world), facts.setting)


def all_tables(run: ScoredRun, jobs: int = 1) -> list[AnyTable]:
    """All tables: of every prompt, the headline, comparison, other aggregations and metrics; terms and protocols.

    Args:
        run: the run.
        jobs: processes.
    """
    from bench import workers  # noqa: PLC0415 - one table needs no workers

    made = chain.from_iterable(workers.run(_tasks(run), jobs, "local", "tables", "step"))
    return [*made, *ledger_tables(run.facts), protocol_ranking(run).text_table()]


def printed_tables(run: ScoredRun) -> list[AnyTable]:
    """Those of `all_tables` that a command prints at the end of a run: the headline of each prompt, and its rounds."""
    made: list[AnyTable] = []
    for kind in run.prompts:
        headline = table_spec(run, kind)
        made.append(_headline(_part(run, headline), headline))
        made += _by_round(run, kind) if KINDS[kind].rounds else []
    return made


def _tasks(run: ScoredRun) -> "Iterator[Task]":
    """Calls that make some tables each."""
    for kind in run.prompts:
        headline = table_spec(run, kind)
        yield _headlines, _part(run, headline), headline
        yield from ((_one, _part(run, spec), spec) for spec in _others(run, headline))
        if KINDS[kind].rounds:
            yield _by_round, run, kind
    if len(run.prompts) > 1:
        yield _by_prompt, run


def _part(run: ScoredRun, spec: TableSpec) -> ScoredRun:
    """What one table needs: less to hand to another process."""
    found = spec.select(run.records)
    if spec.metric.name != ACTIONS:
        found = pd.concat([found, _actions(run, spec)])
    return replace(run, records=found, _compared={})


def _headline(run: ScoredRun, headline: TableSpec) -> Table:
    return replace(scores_table(run, headline), role="headline")


def _headlines(run: ScoredRun, headline: TableSpec) -> list[AnyTable]:
    made = _headline(run, headline)
    return [made, made.summary(), comparison_table(run, headline)]


def _one(run: ScoredRun, spec: TableSpec) -> list[AnyTable]:
    return [scores_table(run, spec)]


def _by_round(run: ScoredRun, kind: str) -> list[AnyTable]:
    return [click_table(run, kind)]


def _by_prompt(run: ScoredRun) -> list[AnyTable]:
    return [prompt_table(run)]


def _others(run: ScoredRun, headline: TableSpec) -> Iterator[TableSpec]:
    """Dice by other aggregations, then the other metrics by the protocol's own (by class if they have no volumes)."""
    here = run.records.loc[run.records["prompt"] == headline.prompt, "metric"].unique()
    for aggregation in AGGREGATIONS:
        if aggregation != headline.aggregation and chosen_metric("dice", aggregation).name in here:
            yield table_spec(run, headline.prompt, aggregation)
    stacked = (
        {name for name in here if f"volume_{name}" in here} if AGGREGATIONS[headline.aggregation].volume else set()
    )
    for name in here:
        if name not in {"dice", "volume_dice"} | stacked:
            alone = AGGREGATIONS[headline.aggregation].volume and not metrics.metric(name).volume
            yield table_spec(run, headline.prompt, "macro_class" if alone else None, metric=name)
