"""A run from its configuration to its report: predict, score, report, each resumable."""

import hashlib
import logging
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from bench import protocols, workers
from bench.config import RunConfig
from bench.data import catalogue
from bench.data.case import Defect
from bench.errors import RunError
from bench.predicting import draw, predict
from bench.prompting.table import freeze
from bench.reporting import report
from bench.reporting.tables.sheet import Sheet
from bench.reporting.tables.text import Table
from bench.running.resume import open_run, require_complete
from bench.scoring.score import score
from bench.store import run_folder
from bench.store.files import write_json
from bench.store.run_folder import one_writer, write_table

log = logging.getLogger("bench")


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a run ended.

    Attributes:
        failed: predictions and cases that failed; all others are scored.
        skipped: cases and targets with nothing to evaluate.
    """

    run: Path
    tables: Sequence[Table | Sheet]
    failed: int
    skipped: int


def run(config: RunConfig, resume: bool = True) -> Outcome:
    """Predict, score and report.

    Raises:
        RunError: the folder belongs to another run or another process, or there is nothing to run.
    """
    with one_writer(config.out):
        _predict(config, resume)
        _score(config)
        return _report(config)


def predict_only(config: RunConfig, resume: bool = True) -> None:
    """The first of the three steps alone."""
    with one_writer(config.out):
        _predict(config, resume)


def score_only(folder: Path) -> Outcome:
    """Score the stored masks of a run and write its tables; needs no model and no data."""
    facts = run_folder.read_run(folder)
    with one_writer(folder):
        config = _config(facts, folder)
        _score(config)
        return _report(config)


@dataclass(frozen=True, slots=True)
class Rescored:
    """A run's masks scored by the rules of another protocol.

    Attributes:
        folder: holds `records.parquet`, `failures.parquet` and `protocol.json`; the run's own records stay as they are.
        protocol: whose scoring rules held.
        needs_new_run: the prompting rules in which it differs from the run's protocol, as far as
            the run's prompts follow them, see `protocols.needs_new_run`.
        failed: predictions that failed.
    """

    folder: Path
    protocol: protocols.Protocol
    needs_new_run: Sequence[str]
    failed: int


def rescore(folder: Path, wanted: protocols.Protocol) -> Rescored:
    """Score the stored masks of a run by another protocol's scoring rules, beside the run's own records.

    Raises:
        RunError: not a run, unfinished, or written by another process.
    """
    facts = run_folder.read_run(folder)
    with one_writer(folder):
        config = _config(facts, folder)
        ours = protocols.load(config.protocol)
        differ = protocols.needs_new_run(ours, wanted, config.prompts)
        place = folder / "protocols" / wanted.name
        records, failures = _scored(config, facts, wanted)
        rules = {name: getattr(wanted, name) for name in protocols.SCORING}
        write_table(records, place / "records.parquet")
        write_table(failures.astype("string"), place / "failures.parquet")
        write_json(place / "protocol.json", {"scoring": rules, "prompts_of": ours.name, "needs_new_run": differ})
    return Rescored(place, wanted, differ, int((failures["kind"] == "failed").sum()))


def _config(facts: dict[str, Any], folder: Path) -> RunConfig:
    chosen = dict(facts["config"])
    for name in ("models", "datasets", "prompts"):
        chosen[name] = tuple(chosen[name])
    weights = chosen["weights"]
    chosen |= {"data": Path(chosen["data"]), "weights": Path(weights) if weights else None}
    return RunConfig(**chosen, out=folder, jobs=1, engine="local")


def _predict(config: RunConfig, resume: bool) -> None:
    met = workers.start((predict.meet, config.models), config.jobs, config.engine)
    facts = open_run(config, resume)
    with logged(config.out):
        started = time.perf_counter()
        found = catalogue.listing(config)
        table, defects = _prompts(config, found, facts)
        if table.empty:
            raise RunError(f"nothing to evaluate: {_first_reasons([*found.defects, *defects])}")
        met()
        log.info("%d prompts for %d cases, %d models", len(table), len(found.items), len(config.models))
        predict.predict(config, found.items, table)
        facts["seconds"]["predict"] += round(time.perf_counter() - started, 2)
        facts["finished"]["predict"] = True
        write_json(config.out / "run.json", facts)


def _first_reasons(defects: Sequence[Defect]) -> str:
    shown = "; ".join(f"{defect.case}: {defect.reason}" for defect in defects[:3])
    return shown or "no case was found"


def _prompts(config: RunConfig, found: catalogue.Listing, facts: dict[str, Any]) -> tuple[pd.DataFrame, list[Defect]]:
    """The frozen prompts: read if they are there, else drawn and written."""
    path = config.out / "prompts.parquet"
    if path.exists() and facts["prompts_sha256"]:
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        if digest != facts["prompts_sha256"]:
            raise RunError(f"{path} was changed since it was drawn (sha256 {digest}); start anew in another --out")
        table = run_folder.read_table(path, "start anew in another --out")
        cases = set(table[["dataset", "case"]].itertuples(index=False, name=None))
        asked = [item for item in found.items if (item.dataset, item.case) in cases]
        # Targets that were lost or damaged follow from the data again; the prompts stay as they are frozen.
        draw.draw(config, [item for item in asked if not draw.has_targets(config.out, item)])
        return table, []
    table, defects, warnings = draw.draw(config, found.items)
    digest = freeze(table, path)
    if facts["prompts_sha256"] not in (None, digest):
        path.unlink()
        raise RunError(f"{path} was lost and the data give other prompts now; start anew in another --out")
    facts["prompts_sha256"] = digest
    facts["warnings"] = warnings
    facts["data_defects"] = run_folder.defect_rows([*found.defects, *defects], "data")
    facts["counts"] = {
        name: {"cases": int(part["case"].nunique()), "patients": int(part["patient"].nunique()), "prompts": len(part)}
        for name, part in table.groupby("dataset")
    }
    write_json(config.out / "run.json", facts)
    return pd.read_parquet(path), defects


def _score(config: RunConfig) -> None:
    started = time.perf_counter()
    facts = run_folder.read_run(config.out)
    records, failures = _scored(config, facts, protocols.load(config.protocol))
    write_table(records, config.out / "records.parquet")
    write_table(failures.astype("string"), config.out / "failures.parquet")
    facts["seconds"]["score"] = round(time.perf_counter() - started, 2)
    facts["finished"]["score"] = True
    write_json(config.out / "run.json", facts)


def _scored(
    config: RunConfig, facts: dict[str, Any], protocol: protocols.Protocol
) -> tuple[pd.DataFrame, pd.DataFrame]:
    table = run_folder.read_table(config.out / "prompts.parquet", "resume the run, which draws the prompts again")
    require_complete(config, facts, table)
    records, failed = score(config.out, config.models, table, protocol, config.jobs, config.engine)
    data = pd.DataFrame(facts["data_defects"], columns=list(run_folder.FAILURE_COLUMNS))
    failures = pd.concat([part for part in (data, failed) if len(part)] or [data], ignore_index=True)
    return records, failures


def _report(config: RunConfig) -> Outcome:
    made = report.report(config.out, config.jobs)
    kinds = run_folder.failures(config.out)["kind"].value_counts()
    return Outcome(config.out, made, int(kinds.get("failed", 0)), int(kinds.get("skipped", 0)))


@contextmanager
def logged(folder: Path) -> Iterator[None]:
    """Log lines of the benchmark go to the run's log.txt while the block runs."""
    handler = logging.FileHandler(folder / "log.txt")
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    log.setLevel(logging.INFO)
    log.addHandler(handler)
    try:
        yield
    finally:
        log.removeHandler(handler)
        handler.close()
