"""Regression on Dice: a run's averages against a stored reference."""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from bench.comparing.releases import require_same_releases
from bench.data.fingerprint import Fingerprint
from bench.errors import RunError
from bench.reporting.scored_run import ScoredRun, read_scored_run
from bench.reporting.table_spec import table_spec
from bench.reporting.tables.formats import AGGREGATIONS, to_frame
from bench.reporting.tables.run_tables import scores_table
from bench.store.files import read_json, write_json

TOLERANCE = 0.005


def reference(run: Path, tolerance: float = TOLERANCE) -> dict[str, Any]:
    """The Dice of every row of every prompt of a run, with what they came from.

    Args:
        run: a scored run folder.
        tolerance: how far a value in [0, 1] may move; covers other processors and library versions.
    """
    found = read_scored_run(run)
    config = found.facts.config
    return {
        "protocol": config.protocol,
        "seed": config.seed,
        "tolerance": tolerance,
        "data": {name: asdict(one) for name, one in found.facts.data.items()},
        "world": found.facts.world_text,
        "weights_sha256": {name: model.weights_sha256 for name, model in found.facts.models.items()},
        "dice": {kind: _rows(found, kind) for kind in config.prompts},
    }


def _rows(run: ScoredRun, kind: str) -> dict[str, float | None]:
    frame = to_frame(scores_table(run, table_spec(run, kind, next(iter(AGGREGATIONS)))))
    frame = frame[frame["applicable"]]
    names = frame["dataset"] + " | " + frame["class"] + " | " + frame["model"]
    values = [None if np.isnan(value) else round(value, 6) for value in frame["value"]]
    return dict(zip(names, values, strict=True))


def write_reference(run: Path, path: Path) -> None:
    """Store a run's Dice as the reference."""
    write_json(path, reference(run))


def verify(run: Path, against: Path, tolerance: float | None = None) -> list[str]:
    """The rows that moved by more than the tolerance, each as a sentence; empty if none did.

    Args:
        run: a scored run folder.
        against: what `write_reference` wrote.
        tolerance: None for the reference's own.

    Raises:
        RunError: no reference, another protocol or seed, other releases of the data, or no prompt in common: the
            numbers cannot be compared.
        FileNotFoundError: no such reference.
    """
    stored = read_json(against)
    lacking = {"protocol", "seed", "tolerance", "dice"} - set(stored if isinstance(stored, dict) else ())
    if lacking:
        raise RunError(f"{against} is no reference, it has no {', '.join(sorted(lacking))}; make one with --write")
    ours = reference(run)
    for name in ("protocol", "seed"):
        if stored[name] != ours[name]:
            raise RunError(f"{against} has {name} {stored[name]}, {run} has {ours[name]}: not comparable")
    theirs, known = ({name: Fingerprint(**row) for name, row in one.get("data", {}).items()} for one in (stored, ours))
    require_same_releases(against, theirs, run, known)
    common = [kind for kind in stored["dice"] if kind in ours["dice"]]
    if not common:
        raise RunError(f"{run} has none of the prompts {', '.join(stored['dice'])} of {against}")
    allowed = stored["tolerance"] if tolerance is None else tolerance
    return [text for kind in common for text in _moved(kind, stored["dice"][kind], ours["dice"][kind], allowed)]


def _moved(
    kind: str, stored: Mapping[str, float | None], ours: Mapping[str, float | None], tolerance: float
) -> list[str]:
    texts = []
    for name in sorted(stored.keys() | ours.keys()):
        if name not in ours or name not in stored:
            texts.append(f"{kind} | {name}: only in the {'run' if name in ours else 'reference'}")
            continue
        before, now = stored[name], ours[name]
        if before is None or now is None:
            if before is not now:
                texts.append(f"{kind} | {name}: {before} -> {now}")
        elif abs(now - before) > tolerance:
            texts.append(f"{kind} | {name}: {before:.4f} -> {now:.4f} ({now - before:+.4f})")
    return texts
