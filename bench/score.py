"""Score: stored masks against stored targets. Needs no model and no data set."""

from collections.abc import Iterator, Mapping, Sequence
from math import isnan
from pathlib import Path
from typing import Any

import pandas as pd

from bench import workers
from bench.metrics import OVERLAPS, Areas, areas
from bench.plan import FAILURE_COLUMNS
from bench.predict import timings
from bench.store import MaskShard, RunError, predictions_path, targets_path, write_bytes

RECORD_COLUMNS = (
    "run", "model", "dataset", "patient", "case", "slice", "target", "prompt", "round", "seed",
    "metric", "value", "status", "seconds_encode", "seconds_decode", "area_px",
)  # fmt: skip

Row = dict[str, Any]


def score(
    run: Path, models: Sequence[str], table: pd.DataFrame, jobs: int, engine: str
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Records and failures of all predictions of a run.

    Args:
        run: the run folder.
        models: whose predictions are scored.
        table: `prompts.parquet`; which cases there are.
        jobs, engine: see `bench.workers.run`.

    Returns:
        The records, long: one row a metric; slice is null for the metrics of a stacked volume.
        The failures of models, one row a prediction.
    """
    cases = table[["dataset", "patient", "case", "seed"]].drop_duplicates().to_dict("records")
    tasks = [
        (_score_case, run, {"model": model} | case)
        for model in models
        for case in cases
        if predictions_path(run, model, case["dataset"], case["case"]).exists()
    ]
    scored = workers.run(tasks, jobs, engine, "score")
    records = pd.DataFrame([row for rows, _ in scored for row in rows], columns=list(RECORD_COLUMNS))
    failures = pd.DataFrame([row for _, rows in scored for row in rows], columns=list(FAILURE_COLUMNS))
    return _typed(records), failures


def _typed(records: pd.DataFrame) -> pd.DataFrame:
    floats = dict.fromkeys(("value", "seconds_encode", "seconds_decode"), "float64")
    integers = dict.fromkeys(("slice", "round", "seed", "area_px"), "Int64")
    return records.astype(floats | integers)


def _score_case(run: Path, case: Mapping[str, Any]) -> tuple[list[Row], list[Row]]:
    """Records and failures of one model on one case."""
    where = predictions_path(run, case["model"], case["dataset"], case["case"])
    drawn = MaskShard.load(where)
    kept = MaskShard.load(targets_path(run, case["dataset"], case["case"]))
    targets = {(e["slice"], e["target"]): m for e, m in zip(kept.index, kept.masks, strict=True)}
    facts = {"run": run.name} | dict(case)
    records: list[Row] = []
    failures: list[Row] = []
    volumes: dict[tuple[str, str, int], dict[int, Areas | None]] = {}
    for entry, mask, seconds in zip(drawn.index, drawn.masks, timings(where), strict=True):
        target = targets[entry["slice"], entry["target"]]
        if target is None:
            raise RunError(f"{where}: no target for {entry}; the run folder is damaged")
        counted = None if mask is None else areas(target, mask)
        row = facts | {name: entry[name] for name in ("slice", "target", "prompt", "round")} | seconds
        records += _records(row, counted, int(target.sum()), "")
        if counted is None:
            failures.append(_failure(row, entry["reason"]))
        stack = volumes.setdefault((entry["target"], entry["prompt"], entry["round"]), {})
        stack[entry["slice"]] = counted
    sizes = {key: int(mask.sum()) for key, mask in targets.items() if mask is not None}
    records += _volume_records(facts, volumes, sizes)
    return records, failures


def _records(row: Row, counted: Areas | None, area_px: int, prefix: str) -> Iterator[Row]:
    for name, overlap in OVERLAPS.items():
        value = float("nan") if counted is None else overlap(counted)
        status = "failed" if counted is None else "undefined" if isnan(value) else "ok"
        yield row | {"metric": prefix + name, "value": value, "status": status, "area_px": area_px}


def _volume_records(
    facts: Row,
    volumes: Mapping[tuple[str, str, int], Mapping[int, Areas | None]],
    sizes: Mapping[tuple[int, str], int],
) -> Iterator[Row]:
    """Overlaps of stacked slices. A slice without a prompt counts as predicted empty; one failed slice fails all."""
    for (target, prompt, number), stack in volumes.items():
        total: Areas | None = Areas(0, 0, 0)
        for (index, name), size in sizes.items():
            if name == target:
                counted = stack.get(index, Areas(size, 0, 0))
                total = None if counted is None or total is None else total + counted
        row = facts | {"slice": None, "target": target, "prompt": prompt, "round": number}
        row |= {"seconds_encode": 0.0, "seconds_decode": 0.0}
        area = sum(size for (_, name), size in sizes.items() if name == target)
        yield from _records(row, total, area, "volume_")


def _failure(row: Row, reason: str) -> Row:
    names = ("dataset", "patient", "case", "target", "model", "prompt")
    text = f"slice {row['slice']}, round {row['round']}: {reason}"
    return {"stage": "predict", "kind": "failed", "reason": text} | {name: row[name] for name in names}


def write_table(table: pd.DataFrame, path: Path) -> None:
    """Write a table as Parquet, whole or not at all."""
    write_bytes(path, table.to_parquet(index=False))


def read_records(run: Path) -> pd.DataFrame:
    """The records of a run.

    Raises:
        RunError: the run was not scored.
    """
    path = run / "records.parquet"
    if not path.exists():
        raise RunError(f"{run} has no records.parquet; is it a run folder? `bench score {run}` makes it")
    return pd.read_parquet(path)
