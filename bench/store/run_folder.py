"""Where the files of a run lie, who may write them, and what the small ones hold."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pandas as pd
from filelock import FileLock, Timeout

from bench.data.case import Defect
from bench.errors import RunError
from bench.store.files import read_json, write_bytes


@contextmanager
def one_writer(folder: Path) -> Iterator[None]:
    """Hold the run folder for this process alone.

    Raises:
        RunError: another process is writing there.
    """
    folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder / ".lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise RunError(f"{folder} is being written by another run; wait for it or choose another --out") from None
    try:
        for rest in folder.rglob("*.part"):  # of a run that was killed while writing
            rest.unlink()
        yield
    finally:
        lock.release()


def targets_path(run: Path, dataset: str, case: str) -> Path:
    """Where the targets of a case are kept; odd characters of its id are percent-encoded."""
    return run / "targets" / quote(dataset, safe="") / f"{quote(case, safe='')}.npz"


def predictions_path(run: Path, model: str, dataset: str, case: str) -> Path:
    """Where what a model drew on a case is kept."""
    folder = run / "predictions" / model.replace("/", "--") / quote(dataset, safe="")
    return folder / f"{quote(case, safe='')}.npz"


def candidates_path(run: Path, model: str, dataset: str, case: str) -> Path:
    """Where the candidates are kept that a model proposed and did not select; absent if there are none.

    A mask shard whose index rows have `entry`, the row of the predictions' index it belongs to, `candidate`, its place
    among the model's candidates, and `score`, the model's own. The selected candidate is the prediction itself.
    """
    return run / "candidates" / predictions_path(run, model, dataset, case).relative_to(run / "predictions")


RECORD_COLUMNS = (
    "run", "model", "dataset", "patient", "case", "slice", "target", "prompt", "round", "seed",
    "metric", "value", "status", "seconds_encode", "seconds_decode", "area_px",
)  # fmt: skip


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


def defect_rows(defects: Sequence[Defect], stage: str) -> list[dict[str, str | None]]:
    """Defects as rows of `failures.parquet`; plain values, since a frame would turn None beside text into NaN."""
    rows = ({"stage": stage, "model": None, "prompt": None} | asdict(defect) for defect in defects)
    return [{name: row[name] for name in FAILURE_COLUMNS} for row in rows]


FAILURE_COLUMNS = ("stage", "kind", "dataset", "patient", "case", "target", "model", "prompt", "reason")


def timings(path: Path) -> list[dict[str, float]]:
    """Seconds of each entry of a shard; zeros are never written for a prediction that ran."""
    return json.loads(path.with_suffix(".seconds.json").read_text())


def read_run(run: Path) -> dict[str, Any]:
    """The run's own description.

    Raises:
        RunError: the folder is not a run.
    """
    if not (run / "run.json").exists():
        raise RunError(f"{run} is not a run folder: it has no run.json")
    facts = read_json(run / "run.json")
    if not isinstance(facts, dict) or not isinstance(facts.get("config"), dict):
        raise RunError(f"{run / 'run.json'} does not describe a run; choose the folder of a `bench run`")
    return facts


def failures(run: Path) -> pd.DataFrame:
    """What a run left out, with reasons."""
    path = run / "failures.parquet"
    if not path.exists():
        raise RunError(f"{run} has no failures.parquet; `bench score {run}` makes it")
    return pd.read_parquet(path)
