"""Two runs with the same prompts: what each model gained or lost, how sure that is, and what changed between them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import pandas as pd

from bench import protocols
from bench.comparing.releases import require_same_releases
from bench.errors import RunError
from bench.scoring import metrics
from bench.scoring.metrics import Metric
from bench.statistics import bootstrap
from bench.statistics.bootstrap import Difference
from bench.statistics.patients import AGGREGATIONS, PatientScores, patient_scores
from bench.statistics.rows import labels
from bench.store.records import read_records
from bench.store.run_facts import RunFacts
from bench.store.run_folder import read_run

# Folders: what lies in them is compared by checksum. Models: those of one run alone are told apart from changes.
FREE = ("data", "weights", "models", "masks")
A, B = "A", "B"


@dataclass(frozen=True, slots=True)
class Change:
    """Something that is not the same in both runs; None where a run does not have it."""

    what: str
    first: object
    second: object


@dataclass(frozen=True, slots=True, eq=False)
class RunComparison:
    """Run B against run A.

    Attributes:
        metric: what is compared.
        aggregation: how it becomes one number per data set.
        frame: one row per data set, prompt and model of both runs: `a`, `b`, `delta` = b - a with `low`, `high`; `p`
            and `p_holm` of the signed-rank test over patients; `wins`, `ties`: share of patients where B is better and
            where both are the same; `patients` with both scores and `left_out` without.
        changes: what differs between the runs.
        only_a, only_b: models of one run alone.
    """

    metric: Metric
    aggregation: str
    frame: pd.DataFrame
    changes: Sequence[Change]
    only_a: Sequence[str]
    only_b: Sequence[str]


def compare(first: Path, second: Path, metric: str = "dice", aggregation: str | None = None) -> RunComparison:
    """Compare two scored runs, patient by patient.

    Args:
        first, second: run folders, A and B.
        metric: name, see `bench.scoring.metrics`; the aggregation "volume" reads that of stacked volumes.
        aggregation: see `bench.statistics.patients`; None: that of A's protocol.

    Raises:
        RunError: not runs, not scored, other releases of the data, other prompts, no model in common, or no such
            metric or aggregation.
        ValueError: no such metric.
    """
    facts = read_run(first), read_run(second)
    require_same_releases(first, facts[0].data, second, facts[1].data)
    _same_prompts(*facts)
    models = [one.config.models for one in facts]
    common = [name for name in models[0] if name in models[1]]
    if not common:
        raise RunError(f"no model in common: {first} has {', '.join(models[0])}; {second} has {', '.join(models[1])}")
    rule = aggregation or protocols.load(facts[0].config.protocol).aggregation
    if rule not in AGGREGATIONS:
        raise RunError(f"unknown aggregation {rule!r}; there are {', '.join(AGGREGATIONS)}")
    measured = _measured(metric, rule)
    records = _joined(first, second, measured, common)
    frame = _frame(records, measured, rule)
    only = [[name for name in own if name not in common] for own in models]
    return RunComparison(measured, rule, frame, changes(*facts), only[0], only[1])


def _measured(name: str, aggregation: str) -> Metric:
    chosen = metrics.metric(name)
    if aggregation != "volume" or chosen.volume:
        return chosen
    return metrics.metric(f"volume_{name}")


def _same_prompts(a: RunFacts, b: RunFacts) -> None:
    first, second = a.prompts_sha256, b.prompts_sha256
    if first is None or second is None:
        raise RunError(f"{(a if first is None else b).config.out} has no prompts yet; run it to its end first")
    if first != second:
        names = ("datasets", "prompts", "seed", "limit", "protocol")
        differ = [name for name in names if getattr(a.config, name) != getattr(b.config, name)]
        reason = f"other {', '.join(differ)}" if differ else "other data"
        raise RunError(
            f"{a.config.out} and {b.config.out} have different prompts (sha256 {first[:8]} and {second[:8]}; {reason}"
            "): only runs with the same prompts can be compared"
        )


def _joined(first: Path, second: Path, metric: Metric, models: Sequence[str]) -> pd.DataFrame:
    """Records of the metric at the last round, the column `side` telling the run."""
    parts = []
    for side, folder in ((A, first), (B, second)):
        records = read_records(folder)
        chosen = records[(records["metric"] == metric.name) & records["model"].isin(models)]
        if chosen.empty:
            raise RunError(f"{folder} has no {metric.name}; it has {', '.join(records['metric'].unique())}")
        parts.append(chosen.assign(side=side))
    joined = pd.concat(parts, ignore_index=True)
    if metric.by_object:
        return joined
    last = joined.groupby(["side", "prompt"])["round"].transform("max")
    return joined[joined["round"] == last.groupby(joined["prompt"]).transform("min")]


def _frame(records: pd.DataFrame, metric: Metric, aggregation: str) -> pd.DataFrame:
    tables = dict(_tables(records, aggregation))
    names = {" ".join(key): key for key in tables}
    found = bootstrap.compare(
        {" ".join(key): table for key, table in tables.items()}, A, metric.higher_is_better is not False
    )
    rows = [_row(key, tables[key], found[name].differences[0]) for name, key in names.items()]
    return pd.DataFrame(rows)


def _tables(records: pd.DataFrame, aggregation: str) -> Iterator[tuple[tuple[str, str, str], PatientScores]]:
    """Scores of each (data set, prompt, model), the two runs in the place of models; where both have some."""
    labelled = records.assign(row=labels(records))
    for key, part in labelled.groupby(["dataset", "prompt", "model"], sort=False):
        if part["side"].nunique() == 2:
            sides = part.drop(columns="model").rename(columns={"side": "model"})
            yield (str(key[0]), str(key[1]), str(key[2])), patient_scores(sides, aggregation, "row")


def _row(key: tuple[str, str, str], scores: PatientScores, found: Difference) -> dict[str, Any]:
    values = dict(zip(scores.models, scores.estimate()[-1].tolist(), strict=True))
    kept = [field.name for field in fields(Difference) if field.name not in ("one", "other")]
    row = dict(zip(("dataset", "prompt", "model"), key, strict=True)) | {"a": values[A], "b": values[B]}
    return row | {name: getattr(found, name) for name in kept}


def changes(a: RunFacts, b: RunFacts) -> list[Change]:
    """What differs in the descriptions of two runs: configuration, protocol, versions, weights, hardware."""
    found = []
    for what, one, other in _facts(a, b):
        found += [
            Change(f"{what}{name}", one.get(name), other.get(name))
            for name in sorted(one.keys() | other.keys())
            if one.get(name) != other.get(name)
        ]
    return found


def _facts(a: RunFacts, b: RunFacts) -> Iterator[tuple[str, Mapping[str, Any], Mapping[str, Any]]]:
    config = [{name: value for name, value in one.config.identity().items() if name not in FREE} for one in (a, b)]
    yield "", config[0], config[1]
    yield "protocol ", a.protocol, b.protocol
    yield "version of ", a.versions, b.versions
    common = [name for name in a.models if name in b.models]
    weights = [{name: one.models[name].weights_sha256 for name in common} for one in (a, b)]
    yield "weights of ", weights[0], weights[1]
    for name in (name for name in a.data if name in b.data):
        yield f"{name} ", asdict(a.data[name]), asdict(b.data[name])
    yield "hardware ", a.hardware, b.hardware
