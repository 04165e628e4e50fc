"""Report: from the records of a run to its tables, figure and page. Computes no scores."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd

from bench import catalogue, prompts, protocol_ranking, protocols
from bench.score import read_records
from bench.store import RunError, read_json, write_bytes
from bench.tables import AGGREGATIONS, AVERAGE, FORMATS, Cell, Line, Table, cells

MARKS = (
    "uK: K undefined values left out; fK: K failed predictions left out; "
    "n/a: not trained on such prompts; *: asked with them all the same"
)


def read_run(run: Path) -> dict[str, Any]:
    """The run's own description.

    Raises:
        RunError: the folder is not a run.
    """
    if not (run / "run.json").exists():
        raise RunError(f"{run} is not a run folder: it has no run.json")
    return read_json(run / "run.json")


def caption(facts: dict[str, Any], prompt: str, prompt_round: int, aggregation: str) -> str:
    """What a reader must know to read the numbers without any other text."""
    protocol = protocols.load(facts["config"]["protocol"])
    rounds = f", round {prompt_round}" if prompts.KINDS[prompt].rounds else ""
    undefined = protocols.scoring_text(protocol)
    return (
        f"Dice (%, {undefined}), prompt {prompt}{rounds}, protocol {protocol.name}, {aggregation}: "
        f"{AGGREGATIONS[aggregation].text}. {facts['world_text']} n: masks (volumes for volume). {MARKS}."
    )


def table(run: Path, prompt: str, aggregation: str | None = None, prompt_round: int | None = None) -> Table:
    """The table of one prompt kind of a run.

    Args:
        run: the run folder, scored.
        prompt: a prompt kind of the run.
        aggregation: None for the protocol's own.
        prompt_round: None for the last round.

    Raises:
        RunError: the run has no such prompt, round or aggregation.
    """
    facts, records = read_run(run), read_records(run)
    aggregation = aggregation or protocols.load(facts["config"]["protocol"]).aggregation
    _require("aggregation", aggregation, list(AGGREGATIONS))
    _require("prompt", prompt, facts["config"]["prompts"])
    chosen = records[records["prompt"] == prompt]
    rounds = sorted(chosen["round"].dropna().unique().tolist()) or [1]
    prompt_round = rounds[-1] if prompt_round is None else prompt_round
    _require("round", prompt_round, rounds)
    rows = {name: catalogue.load(name).rows for name in facts["config"]["datasets"]}
    values = cells(chosen[chosen["round"] == prompt_round], aggregation, rows)
    text = caption(facts, prompt, prompt_round, aggregation)
    name = f"dice-{prompt}-{aggregation}"
    return Table(name, text, facts["config"]["models"], _lines(values, facts, prompt))


def _require(what: str, value: object, known: Sequence[object]) -> None:
    if value not in known:
        raise RunError(f"this run has no {what} {value!r}; it has {', '.join(map(str, known))}")


def _lines(values: dict[tuple[str, str, str], Cell], facts: dict[str, Any], prompt: str) -> list[Line]:
    absent = {(row["model"], row["prompt"]) for row in facts["not_applicable"]}
    forced = {(row["model"], row["prompt"]) for row in facts["untrained"]}
    lines = []
    for dataset in facts["config"]["datasets"]:
        labels = {label for name, label, _ in values if name == dataset}
        known = [label for label in catalogue.load(dataset).rows if label in labels]
        others = sorted(labels - set(known) - {AVERAGE})
        average = [AVERAGE] if len(known) + len(others) > 1 else []
        for label in [*known, *others, *average]:
            row = [
                replace(
                    values.get((dataset, label, model), Cell(float("nan"))),
                    applicable=(model, prompt) not in absent,
                    forced=(model, prompt) in forced,
                )
                for model in facts["config"]["models"]
            ]
            lines.append(Line(dataset, label, row))
    return lines


def click_curve(run: Path, prompt: str) -> Table:
    """Averages by number of clicks: one line a (data set, round)."""
    facts = read_run(run)
    lines = [
        replace(line, label=f"{number} click{'s' * (number > 1)}")
        for number in range(1, facts["config"]["clicks"] + 1)
        for line in table(run, prompt, prompt_round=number).summary().lines
    ]
    order = {name: place for place, name in enumerate(facts["config"]["datasets"])}
    lines.sort(key=lambda line: order[line.group])
    aggregation = protocols.load(facts["config"]["protocol"]).aggregation
    text = caption(facts, prompt, facts["config"]["clicks"], aggregation).replace(", round ", ", rounds 1 to ")
    return Table(f"dice-{prompt}-by-round", text, facts["config"]["models"], lines)


def tables(run: Path) -> list[Table]:
    """All tables of a run: every prompt with every aggregation, and click curves."""
    kinds = read_run(run)["config"]["prompts"]
    made = [table(run, kind, aggregation) for kind in kinds for aggregation in AGGREGATIONS]
    return made + [click_curve(run, kind) for kind in kinds if prompts.KINDS[kind].rounds]


def report(run: Path) -> list[Table]:
    """Write all tables of a scored run as CSV, Markdown and LaTeX below `tables/`."""
    made = tables(run)
    for one in made:
        for suffix in ("csv", "md", "tex"):
            write_bytes(run / "tables" / f"{one.name}.{suffix}", FORMATS[suffix](one).encode())
    protocol_ranking.write(run)
    return made


def failures(run: Path) -> pd.DataFrame:
    """What a run left out, with reasons."""
    path = run / "failures.parquet"
    if not path.exists():
        raise RunError(f"{run} has no failures.parquet; `bench score {run}` makes it")
    return pd.read_parquet(path)
