"""A run from its configuration to its report: predict, score, report, each resumable."""

import hashlib
import logging
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd

from bench import protocols, workers
from bench.config import RunConfig
from bench.data import catalogue
from bench.errors import RunError
from bench.predicting import draw, predict
from bench.prompting.table import freeze
from bench.reporting import report
from bench.reporting.tables.table import Table
from bench.reporting.tables.text_table import TextTable
from bench.running.resume import open_run, require_complete
from bench.scoring.score import score
from bench.store.files import temporary_folder
from bench.store.run_facts import RunFacts
from bench.store.run_folder import (
    FAILURE_COLUMNS,
    SLICES,
    defect_rows,
    failures_path,
    log_path,
    one_writer,
    prompts_path,
    read_failures,
    read_prompts,
    read_run,
    read_table,
    records_path,
    write_run,
    write_table,
)

log = logging.getLogger("bench")


@dataclass(frozen=True, slots=True)
class RunOutcome:
    """How a run ended.

    Attributes:
        run: the run folder.
        tables: all that were written, the headline of each prompt kind among them.
        failed: predictions and cases that failed; all others are scored.
        skipped: cases and targets with nothing to evaluate.
    """

    run: Path
    tables: Sequence[Table | TextTable]
    failed: int
    skipped: int


def run(config: RunConfig, resume: bool = True) -> RunOutcome:
    """Predict, score and report.

    Raises:
        RunError: the folder belongs to another run or another process, or there is nothing to run.
    """
    with one_writer(config.out), temporary_folder(config.out / SLICES):
        return _report(config, _score(_predict(config, resume)))


def predict_only(config: RunConfig, resume: bool = True) -> None:
    """The first of the three steps alone."""
    with one_writer(config.out), temporary_folder(config.out / SLICES):
        _predict(config, resume)


def score_only(folder: Path) -> RunOutcome:
    """Score the stored masks of a run and write its tables; needs no model and no data."""
    facts = read_run(folder)
    with one_writer(folder):
        return _report(facts.config, _score(facts))


def _predict(config: RunConfig, resume: bool) -> RunFacts:
    imported = workers.start((predict.import_families, config.models), config.jobs, config.engine)
    facts = open_run(config, resume)
    with logged(config.out):
        started = time.perf_counter()
        found = catalogue.listing(config)
        facts, table = _prompts(facts, found)
        if table.empty:
            raise RunError(f"nothing to evaluate: {_first_reasons(facts)}")
        imported()
        log.info("%d prompts for %d cases, %d models", len(table), len(found.items), len(config.models))
        predict.predict(config, found.items, table)
    seconds = facts.seconds["predict"] + round(time.perf_counter() - started, 2)
    return _finished(facts, "predict", seconds)


def _finished(facts: RunFacts, step: str, seconds: float) -> RunFacts:
    facts = replace(facts, seconds={**facts.seconds, step: seconds}, finished={**facts.finished, step: True})
    write_run(facts)
    return facts


def _first_reasons(facts: RunFacts) -> str:
    shown = "; ".join(f"{defect['case']}: {defect['reason']}" for defect in facts.data_defects[:3])
    return shown or "no case was found"


def _prompts(facts: RunFacts, found: catalogue.Listing) -> tuple[RunFacts, pd.DataFrame]:
    """The frozen prompts: read if they are there, else drawn and written."""
    config, path = facts.config, prompts_path(facts.config.out)
    if path.exists() and facts.prompts_sha256:
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        if digest != facts.prompts_sha256:
            raise RunError(f"{path} was changed since it was drawn (sha256 {digest}); start anew in another --out")
        table = read_table(path, "start anew in another --out")
        cases = set(table[["dataset", "case"]].itertuples(index=False, name=None))
        asked = [item for item in found.items if (item.dataset, item.case) in cases]
        # Targets that were lost or damaged follow from the data again; the prompts stay as they are frozen.
        draw.draw(config, [item for item in asked if not draw.has_targets(config.out, item)])
        return facts, table
    table, defects, warnings = draw.draw(config, found.items)
    digest = freeze(table, path)
    if facts.prompts_sha256 not in (None, digest):
        path.unlink()
        raise RunError(f"{path} was lost and the data give other prompts now; start anew in another --out")
    facts = replace(
        facts,
        prompts_sha256=digest,
        warnings=warnings,
        data_defects=defect_rows([*found.defects, *defects], "data"),
        counts={str(name): _counts(part) for name, part in table.groupby("dataset")},
    )
    write_run(facts)
    return facts, pd.read_parquet(path)


def _counts(prompts: pd.DataFrame) -> dict[str, int]:
    return {"cases": prompts["case"].nunique(), "patients": prompts["patient"].nunique(), "prompts": len(prompts)}


def _score(facts: RunFacts) -> RunFacts:
    started = time.perf_counter()
    failures = scored(facts, protocols.load(facts.config.protocol), records_path(facts.config.out))
    write_table(failures.astype("string"), failures_path(facts.config.out))
    return _finished(facts, "score", round(time.perf_counter() - started, 2))


def scored(facts: RunFacts, protocol: protocols.Protocol, records: Path) -> pd.DataFrame:
    """Write the records of a run by a protocol's scoring rules; the failures, those of the data first.

    Raises:
        RunError: a prediction is missing.
    """
    config = facts.config
    table = read_prompts(config.out)
    require_complete(facts, table)
    failed = score(config.out, config.models, table, protocol, config.jobs, config.engine, records)
    data = pd.DataFrame(facts.data_defects, columns=list(FAILURE_COLUMNS))
    return pd.concat([part for part in (data, failed) if len(part)] or [data], ignore_index=True)


def _report(config: RunConfig, facts: RunFacts) -> RunOutcome:
    made = report.report(config.out, config.jobs)
    kinds = read_failures(config.out)["kind"].value_counts()
    return RunOutcome(config.out, made, int(kinds.get("failed", 0)), int(kinds.get("skipped", 0)))


@contextmanager
def logged(folder: Path) -> Iterator[None]:
    """Log lines of the benchmark go to the run's log.txt while the block runs."""
    handler = logging.FileHandler(log_path(folder))
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    log.setLevel(logging.INFO)
    log.addHandler(handler)
    try:
        yield
    finally:
        log.removeHandler(handler)
        handler.close()
