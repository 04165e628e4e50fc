"""All cases of the sources judged, each kept on disk once it is done, so that a killed run loses no more than one."""

import hashlib
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pandas as pd

from bench import workers
from bench.data.case import Defect, Item
from bench.data.curation.scan import scan
from bench.errors import RunError
from bench.protocols import Protocol
from bench.store.files import read_json, write_json

VERSION = "1"  # of what is kept: another one makes all cases be judged again


def judge(
    items: Sequence[Item], protocol: Protocol, kept: Path, jobs: int, engine: str, label: str
) -> tuple[pd.DataFrame, list[Defect]]:
    """The rows of `bench.data.curation.scan` of all cases, and what could not be read, in the order of the items.

    Args:
        items: of all data sets.
        protocol: plane and intensities.
        kept: folder of cases that are done; one whose files have changed since is judged again.
        jobs, engine, label: see `bench.workers.run`.
    """
    paths = [kept / f"{_fingerprint(item, protocol)}.json" for item in items]
    tasks = [(_judge, item, protocol, path) for item, path in zip(items, paths, strict=True) if _kept(path) is None]
    workers.run(tasks, jobs, engine, label)
    found = [read_json(path) for path in paths]
    rows = pd.DataFrame([row for case in found for row in case["rows"]])
    return rows, [Defect(**defect) for case in found for defect in case["defects"]]


def _judge(item: Item, protocol: Protocol, path: Path) -> None:
    found = scan(item, protocol)
    write_json(path, {"rows": list(found.rows), "defects": [asdict(defect) for defect in found.defects]})


def _kept(path: Path) -> Any:
    """What is kept of a case, None if it is damaged or not there."""
    try:
        return read_json(path)
    except (OSError, RunError):
        return None


def _fingerprint(item: Item, protocol: Protocol) -> str:
    """Of everything that the rows of a case follow from, files by size and time."""
    stats = [(role, str(path), _stat(path)) for role, path in sorted(item.files.items())]
    told = (VERSION, item.dataset, item.patient, item.case, item.modality, sorted(map(str, item.details.items())))
    return hashlib.sha256(repr((told, stats, protocol)).encode()).hexdigest()[:32]


def _stat(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_size, found.st_mtime_ns
