"""Score: stored masks against stored targets. Needs no model and no data set."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from bench import workers
from bench.data import catalogue
from bench.data.case import Mask, class_of
from bench.errors import RunError
from bench.protocols import Protocol
from bench.scoring import pair
from bench.scoring.interaction import interaction_scores
from bench.scoring.pair import FAILED, LESION_NAMES, Candidate, Scored, Target
from bench.scoring.volume import VolumeGrid, grid, stack
from bench.store.masks import MaskShard
from bench.store.run_folder import (
    FAILURE_COLUMNS,
    RECORD_COLUMNS,
    candidates_path,
    predictions_path,
    targets_path,
    timings,
)

Row = dict[str, Any]


def score(
    run: Path, models: Sequence[str], table: pd.DataFrame, protocol: Protocol, jobs: int, engine: str
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Records and failures of all predictions of a run.

    Args:
        run: the run folder.
        models: whose predictions are scored.
        table: `prompts.parquet`, which lists the cases.
        protocol: whose scoring rules apply.
        jobs, engine: see `bench.workers.run`.

    Returns:
        The records, long: one row per metric, see `bench.scoring.metrics.METRICS`. Slice is null for the metrics of a
        stacked volume, round for those of an object over all its rounds.
        The failures of models, one row per prediction.
    """
    cases = table[["dataset", "patient", "case", "seed"]].drop_duplicates().to_dict("records")
    tasks = [
        (_score_case, run, {"model": model} | case, protocol)
        for model in models
        for case in cases
        if predictions_path(run, model, case["dataset"], case["case"]).exists()
    ]
    scored = workers.run(tasks, jobs, engine, "score")
    records = _typed(pd.DataFrame([row for rows, _ in scored for row in rows], columns=list(RECORD_COLUMNS)))
    failures = pd.DataFrame([row for _, rows in scored for row in rows], columns=list(FAILURE_COLUMNS))
    by_object = interaction_scores(records[records["slice"].notna()])
    parts = [records, _typed(by_object)] if len(by_object) else [records]
    return pd.concat(parts, ignore_index=True), failures


def _typed(records: pd.DataFrame) -> pd.DataFrame:
    floats = dict.fromkeys(("value", "seconds_encode", "seconds_decode"), "float64")
    integers = dict.fromkeys(("slice", "round", "seed", "area_px"), "Int64")
    return records.astype(floats | integers)


@dataclass(frozen=True, slots=True, eq=False)
class _Stored:
    """What a run keeps of one model on one case.

    Attributes:
        targets: (slice, target) to the reference.
        grid: of the stacked volume.
        entries: what each prediction is of, with its mask, the candidates not selected, and its seconds.
    """

    targets: Mapping[tuple[int, str], Target]
    grid: VolumeGrid
    entries: Sequence[tuple[Mapping[str, Any], Mask | None, Sequence[Candidate], Mapping[str, float]]]


def _load(run: Path, model: str, dataset: str, case: str) -> _Stored:
    where = predictions_path(run, model, dataset, case)
    about = {"dataset": dataset, "case": case}
    drawn = MaskShard.load(where, about | {"model": model})
    kept = MaskShard.load(targets_path(run, dataset, case), about)
    targets = {
        (entry["slice"], entry["target"]): Target(mask, entry["spacing_mm"])
        for entry, mask in zip(kept.index, kept.masks, strict=True)
        if mask is not None
    }
    for entry in drawn.index:
        if (entry["slice"], entry["target"]) not in targets:
            raise RunError(f"{where}: no target for {entry}; the run folder is damaged")
    plane = next(iter(targets.values())).mask.shape
    others = _candidates(candidates_path(run, model, dataset, case), len(drawn.index))
    entries = list(zip(drawn.index, drawn.masks, others, timings(where, len(drawn.index)), strict=True))
    return _Stored(targets, grid(kept.index, (plane[0], plane[1])), entries)


def _candidates(path: Path, entries: int) -> list[list[Candidate]]:
    """The candidates not selected, by entry; none in runs that kept none."""
    found: list[list[Candidate]] = [[] for _ in range(entries)]
    if path.exists():
        shard = MaskShard.load(path)
        for facts, mask in zip(shard.index, shard.masks, strict=True):
            if mask is not None:
                found[facts["entry"]].append(Candidate(mask, facts["score"], facts["candidate"]))
    return found


@dataclass(slots=True)
class _Volume:
    """The slices of one class, prompt and round."""

    slices: dict[int, list[Mask]] = field(default_factory=dict)
    failed: bool = False


def _score_case(run: Path, case: Mapping[str, Any], protocol: Protocol) -> tuple[list[Row], list[Row]]:
    """Records and failures of one model on one case."""
    stored = _load(run, case["model"], case["dataset"], case["case"])
    facts = {"run": run.name} | dict(case)
    records: list[Row] = []
    failures: list[Row] = []
    volumes: dict[tuple[str, str, int], _Volume] = {}
    for entry, mask, others, seconds in stored.entries:
        target = stored.targets[entry["slice"], entry["target"]]
        row = facts | {name: entry[name] for name in ("slice", "target", "prompt", "round")} | dict(seconds)
        row["area_px"] = target.packed.area
        volume = volumes.setdefault((class_of(entry["target"]), entry["prompt"], entry["round"]), _Volume())
        if mask is None:
            volume.failed = True
            records += _rows(row, dict.fromkeys([*pair.names(protocol), "predicted_iou"], FAILED))
            failures.append(_failure(row, entry["reason"]))
            continue
        own = Candidate(mask, entry["score"], _selected(others))
        chosen = pair.oracle(target, _in_order(own, others)) if protocol.selection == "oracle" else own
        records += _rows(row, pair.scores(target, chosen.mask, protocol))
        records += _rows(row, pair.choice_scores(target, own, others, protocol))
        volume.slices.setdefault(entry["slice"], []).append(chosen.mask)
    records += _volume_records(facts, volumes, stored, protocol)
    return records, failures


def _selected(others: Sequence[Candidate]) -> int:
    """The place that the candidates not selected leave free."""
    taken = {one.number for one in others}
    return next(number for number in range(len(others) + 1) if number not in taken)


def _in_order(own: Candidate, others: Sequence[Candidate]) -> list[Candidate]:
    return sorted([own, *others], key=lambda one: one.number)


def _rows(row: Row, scored: Mapping[str, Scored]) -> Iterator[Row]:
    for name, (value, status) in scored.items():
        yield row | {"metric": name, "value": value, "status": status}


def _volume_records(
    facts: Row, volumes: Mapping[tuple[str, str, int], _Volume], stored: _Stored, protocol: Protocol
) -> Iterator[Row]:
    """Scores of stacked slices. A slice without a prompt counts as predicted empty; one failed slice fails all."""
    lesions = catalogue.lesions(facts["dataset"]) if len(stored.grid.shape) == 3 else ()
    targets = {name: _stacked_target(name, stored) for name in dict.fromkeys(name for name, _, _ in volumes)}
    for (name, prompt, number), volume in volumes.items():
        target = targets[name]
        row = facts | {"slice": None, "target": name, "prompt": prompt, "round": number}
        row |= {"seconds_encode": 0.0, "seconds_decode": 0.0, "area_px": target.packed.area}
        yield from _rows(row, _volume_scores(target, volume, stored.grid, protocol, name in lesions))


def _stacked_target(name: str, stored: _Stored) -> Target:
    slices: dict[int, list[Mask]] = {}
    for (index, part), target in stored.targets.items():
        if class_of(part) == name:
            slices.setdefault(index, []).append(target.mask)
    return Target(stack(slices, stored.grid), stored.grid.spacing_mm)


def _volume_scores(
    target: Target, volume: _Volume, grid: VolumeGrid, protocol: Protocol, lesions: bool
) -> dict[str, Scored]:
    known = [f"volume_{name}" for name in pair.names(protocol)] + list(LESION_NAMES) * lesions
    if volume.failed:
        return dict.fromkeys(known, FAILED)
    predicted = stack(volume.slices, grid)
    made = {f"volume_{name}": scored for name, scored in pair.scores(target, predicted, protocol).items()}
    return made | (pair.lesion_scores(target, predicted, protocol) if lesions else {})


def _failure(row: Row, reason: str) -> Row:
    names = ("dataset", "patient", "case", "target", "model", "prompt")
    text = f"slice {row['slice']}, round {row['round']}: {reason}"
    return {"stage": "predict", "kind": "failed", "reason": text} | {name: row[name] for name in names}
