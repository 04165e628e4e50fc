"""Report: from the records of a run to its tables, figure and page. Computes no scores."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Any

import adapters
from bench import workers
from bench.data import catalogue
from bench.prompting.kinds import KINDS, round_name
from bench.reporting.scored_run import Scored, scored
from bench.reporting.table_spec import INTERVALS, View, caption, require, view
from bench.reporting.tables import ledger, protocol_ranking
from bench.reporting.tables.averages import cells
from bench.reporting.tables.ranking import ranking
from bench.reporting.tables.sheet import Sheet
from bench.reporting.tables.table import Cell, Line, Table
from bench.scoring import metrics
from bench.statistics.patients import AGGREGATIONS, AVERAGE, patient_scores
from bench.statistics.rows import chosen_metric, with_rows
from bench.store.run_folder import read_run


def table(
    run: Path, prompt: str, aggregation: str | None = None, prompt_round: int | None = None, metric: str = "dice"
) -> Table:
    """The table of one prompt kind of a scored run; arguments and errors as in `view`."""
    found = scored(run)
    return scores_table(found, view(found, prompt, aggregation, prompt_round, metric))


def scores_table(run: Scored, chosen: View) -> Table:
    """The table of a view: classes by models."""
    values = cells(chosen.select(run.records), chosen.aggregation, run.rows, chosen.metric.name)
    lines = _lines(values, run.facts, chosen.prompt)
    return Table(
        chosen.name, caption(run.facts, chosen), run.facts["config"]["models"], lines, _notes(lines), chosen.metric,
        titles=_titles(run.facts),
    )  # fmt: skip


def _titles(facts: dict[str, Any]) -> dict[str, str]:
    data = {name: catalogue.load(name).title for name in facts["config"]["datasets"]}
    return data | {name: model["title"] for name, model in facts["models"].items()}


def _lines(values: dict[tuple[str, str, str], Cell], facts: dict[str, Any], prompt: str) -> list[Line]:
    lines = []
    for dataset in facts["config"]["datasets"]:
        labels = {label for name, label, _ in values if name == dataset}
        known = [label for label in catalogue.load(dataset).rows if label in labels]
        others = sorted(labels - set(known) - {AVERAGE})
        average = [AVERAGE] if len(known) + len(others) > 1 else []
        dressing = _dressing(facts, dataset, prompt)
        for label in [*known, *others, *average]:
            row = [
                replace(values.get((dataset, label, model), Cell(float("nan"))), **dressing[model])
                for model in facts["config"]["models"]
            ]
            lines.append(Line(dataset, label, row))
    return lines


def _dressing(facts: dict[str, Any], dataset: str, prompt: str) -> dict[str, dict[str, Any]]:
    """What a cell says beside its number, by model."""
    absent = {(row["model"], row["prompt"]) for row in facts["not_applicable"]}
    forced = {(row["model"], row["prompt"]) for row in facts["untrained"]}
    world = facts["config"]["world"]
    return {
        model: {
            "applicable": (model, prompt) not in absent,
            "forced": (model, prompt) in forced,
            "seen": ledger.lookup(model, dataset, world).seen,
        }
        for model in facts["config"]["models"]
    }


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


def comparison(
    run: Path,
    prompt: str,
    aggregation: str | None = None,
    prompt_round: int | None = None,
    metric: str = "dice",
    reference: str | None = None,
) -> Sheet:
    """Each model against a reference on every data set, the best first; other arguments and errors as in `view`.

    Args:
        run, prompt, aggregation, prompt_round, metric: as in `view`.
        reference: model to compare with; None: the best of each data set.
    """
    found = scored(run)
    if reference is not None:
        require("model", reference := adapters.full_name(reference), found.facts["config"]["models"])
    return ranking_sheet(found, view(found, prompt, aggregation, prompt_round, metric), reference)


def ranking_sheet(run: Scored, chosen: View, reference: str | None = None) -> Sheet:
    """The comparison of a view."""
    records = with_rows(chosen.select(run.records), run.rows)
    scores = {
        name: patient_scores(part, chosen.aggregation, row="row")
        for name in run.facts["config"]["datasets"]
        if len(part := records[records["dataset"] == name])
    }
    text = caption(run.facts, chosen).partition(f" {INTERVALS}")[0]
    made = ranking(f"comparison-{chosen.name}", text, scores, chosen.metric, reference)
    return replace(made, titles=_titles(run.facts))


def click_curve(run: Path, prompt: str) -> Table:
    """Averages by number of clicks: one line a (data set, round)."""
    return _curve(scored(run), prompt)


def _curve(run: Scored, prompt: str) -> Table:
    facts = run.facts
    by_round = {n: scores_table(run, view(run, prompt, None, n)) for n in range(1, facts["config"]["clicks"] + 1)}
    lines = [
        replace(line, label=round_name(prompt, number))
        for dataset in facts["config"]["datasets"]
        for number, made in by_round.items()
        for line in made.summary().lines
        if line.group == dataset
    ]
    last = by_round[facts["config"]["clicks"]]
    text = last.caption.replace(", round ", ", rounds 1 to ")
    return replace(
        last,
        name=f"dice-{prompt}-by-round",
        caption=text,
        lines=lines,
        notes=_notes(lines),
        heads=("data set", "round"),
    )


def settings(run: Path) -> Table:
    """Averages of every model by prompt: one line a setting, one column a data set, the best setting of each marked."""
    return _settings(scored(run))


def _settings(run: Scored) -> Table:
    config = run.facts["config"]
    made = {kind: scores_table(run, view(run, kind)) for kind in config["prompts"]}
    lines = []
    for place, model in enumerate(config["models"]):
        for kind, one in made.items():
            rounds = f", round {config['clicks']}" if KINDS[kind].rounds else ""
            by_group = {line.group: line.cells[place] for line in one.summary().lines}
            row = [by_group.get(name, Cell(float("nan"))) for name in config["datasets"]]
            lines.append(Line(model, kind + rounds, row))
    first = made[config["prompts"][0]]
    kinds = "; ".join(f"{kind}: {KINDS[kind].text}" for kind in made)
    before, _, after = first.caption.partition(f", prompt {config['prompts'][0]}")
    text = f"{before}, Average of each data set by prompt. {kinds}; protocol{after.partition('; protocol')[2]}"
    return replace(
        first, name="dice-by-prompt", caption=text, models=config["datasets"], lines=lines, notes=_notes(lines),
        heads=("model", "prompt"), axis="dataset", down=True,
    )  # fmt: skip


def ledger_sheets(run: Path) -> list[Sheet]:
    """Who of a run's models has seen which of its data sets, and the terms of both."""
    return _ledger(read_run(run))


def _ledger(facts: dict[str, Any]) -> list[Sheet]:
    config = facts["config"]
    found = ledger.table(facts["models"], config["datasets"], config["world"])
    return ledger.sheets(found, facts["world_text"])


def tables(run: Path, jobs: int = 1) -> list[Table | Sheet]:
    """All tables of a run: of every prompt, the headline, comparison, other aggregations and metrics; the ledger.

    Args:
        run: a scored run.
        jobs: processes.
    """
    found = scored(run)
    made = chain.from_iterable(workers.run(list(_tasks(found)), jobs, "local", "tables", "step"))
    return [*made, *_ledger(found.facts), protocol_ranking.protocol_ranking(run).sheet()]


def _tasks(run: Scored) -> Iterator[workers.Task]:
    """Calls that make some tables each."""
    kinds = run.facts["config"]["prompts"]
    for kind in kinds:
        headline = view(run, kind)
        yield _headlines, _part(run, headline), headline
        yield from ((_alone, _part(run, chosen), chosen) for chosen in _others(run, headline))
        if KINDS[kind].rounds:
            yield _curves, run, kind
    if len(kinds) > 1:
        yield _all_settings, run


def _part(run: Scored, chosen: View) -> Scored:
    """What one table needs: less to hand to another process."""
    return replace(run, records=chosen.select(run.records))


def _headlines(run: Scored, headline: View) -> list[Table | Sheet]:
    made = scores_table(run, headline)
    return [made, made.summary(), ranking_sheet(run, headline)]


def _alone(run: Scored, chosen: View) -> list[Table | Sheet]:
    return [scores_table(run, chosen)]


def _curves(run: Scored, kind: str) -> list[Table | Sheet]:
    return [_curve(run, kind)]


def _all_settings(run: Scored) -> list[Table | Sheet]:
    return [_settings(run)]


def _others(run: Scored, headline: View) -> Iterator[View]:
    """Dice by other aggregations, then the other metrics by the protocol's own (by class if they have no volumes)."""
    here = run.records.loc[run.records["prompt"] == headline.prompt, "metric"].unique()
    for aggregation in AGGREGATIONS:
        if aggregation != headline.aggregation and chosen_metric("dice", aggregation).name in here:
            yield view(run, headline.prompt, aggregation)
    stacked = (
        {name for name in here if f"volume_{name}" in here} if AGGREGATIONS[headline.aggregation].volume else set()
    )
    for name in here:
        if name not in {"dice", "volume_dice"} | stacked:
            alone = AGGREGATIONS[headline.aggregation].volume and not metrics.metric(name).volume
            yield view(run, headline.prompt, "macro_class" if alone else None, metric=name)
