"""A run from its configuration to its report: predict, score, report, each resumable."""

import hashlib
import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd

from bench import protocols, workers
from bench.clock import Spent
from bench.config import RunConfig
from bench.data import catalogue
from bench.data.fingerprint import Fingerprint, fingerprints
from bench.errors import RunError
from bench.predicting import draw, predict
from bench.prompting.table import freeze
from bench.reporting.scored_run import read_scored_run
from bench.reporting.tables.run_tables import printed_tables
from bench.reporting.tables.table import Table
from bench.reporting.tables.text_table import TextTable
from bench.running.few_workers import predicting_seconds, reading_seconds, worth
from bench.running.resume import open_run, require_complete
from bench.scoring.score import score
from bench.store.files import temporary_folder
from bench.store.ownership import is_reported
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
    """Predict, score and report; a run that is finished already is shown as it is.

    Raises:
        RunError: the folder belongs to another run or another process, or there is nothing to run.
    """
    with one_writer(config.out), temporary_folder(config.out / SLICES):
        facts = _predict(config, resume)
        if all(facts.finished.values()) and is_reported(config.out):
            return _outcome(config.out, printed_tables(read_scored_run(config.out)))
        return _report(_score(facts))


def predict_only(config: RunConfig, resume: bool = True) -> None:
    """The first of the three steps alone."""
    with one_writer(config.out), temporary_folder(config.out / SLICES):
        _predict(config, resume)


def score_only(folder: Path) -> RunOutcome:
    """Score the stored masks of a run and write its tables; needs no model and no data."""
    facts = read_run(folder)
    with one_writer(folder):
        return _report(_score(facts))


def _predict(config: RunConfig, resume: bool) -> RunFacts:
    ready = _importing(config) if not config.fewer_jobs else None
    facts = open_run(config, resume)
    with logged(config.out):
        started = time.perf_counter()
        found = catalogue.listing(config)
        reading = (
            replace(config, jobs=worth(reading_seconds(found.items), config.jobs)) if config.fewer_jobs else config
        )
        facts, table, spent = _prompts(replace(facts, config=reading), found)
        if table.empty:
            raise RunError(f"nothing to evaluate: {_first_reasons(facts)}")
        tasks = predict.missing(config, found.items, table)
        if all(facts.finished.values()) and not spent and not any(tasks.values()):
            return facts
        if config.fewer_jobs:
            config = replace(config, jobs=worth(predicting_seconds(config, table), config.jobs))
            ready = _importing(config)
        if ready is not None:
            ready()
        log.info("%d prompts for %d cases, %d models", len(table), len(found.items), len(config.models))
        facts = _begun(replace(facts, config=config))
        spent.join(predict.predict(config, tasks))
    return _finished(facts, "predict", started, spent, config.jobs)


def _importing(config: RunConfig) -> Callable[[], None]:
    """Start the workers, which import the families while the run is planned."""
    return workers.start((predict.import_families, config.models), config.jobs, config.engine)


def _begun(facts: RunFacts) -> RunFacts:
    """The facts of a run whose steps are all to do again from prediction on."""
    facts = replace(facts, finished=dict.fromkeys(facts.finished, False))
    write_run(facts)
    return facts


def _finished(facts: RunFacts, step: str, started: float, spent: Spent, processes: int) -> RunFacts:
    """The facts after a step.

    Args:
        facts: before it.
        step: its name, under which its wall-clock seconds stand.
        started: when it began.
        spent: what its processes did.
        processes: how many; what they did not do of their time is "wait".
    """
    wall = time.perf_counter() - started
    spent.add("wait", max(0.0, processes * wall - sum(spent.values())))
    before = {} if step != "predict" else facts.spent  # predicting may be interrupted, other steps begin anew
    together = {name: seconds for name, seconds in facts.spent.items() if not name.startswith(f"{step}:")}
    for name, seconds in spent.items():
        together[f"{step}:{name}"] = round(before.get(f"{step}:{name}", 0.0) + seconds, 3)
    seconds = (facts.seconds["predict"] if step == "predict" else 0.0) + round(wall, 2)
    facts = replace(
        facts,
        seconds={**facts.seconds, step: seconds},
        finished={**facts.finished, step: True},
        spent=together,
    )
    write_run(facts)
    return facts


def _first_reasons(facts: RunFacts) -> str:
    shown = "; ".join(f"{defect['case']}: {defect['reason']}" for defect in facts.data_defects[:3])
    return shown or "no case was found"


def _prompts(facts: RunFacts, found: catalogue.Listing) -> tuple[RunFacts, pd.DataFrame, Spent]:
    """The frozen prompts: read if they are there, else drawn and written; the seconds spent on the data."""
    config, path = facts.config, prompts_path(facts.config.out)
    if path.exists() and facts.prompts_sha256:
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        if digest != facts.prompts_sha256:
            raise RunError(f"{path} was changed since it was drawn (sha256 {digest}); start anew in another --out")
        table = read_table(path, "start anew in another --out")
        cases = set(table[["dataset", "case"]].itertuples(index=False, name=None))
        asked = [item for item in found.items if (item.dataset, item.case) in cases]
        # Targets that were lost or damaged follow from the data again; the prompts stay as they are frozen.
        lost = [item for item in asked if not draw.has_targets(config.out, item)]
        return facts, table, draw.draw(config, lost).spent if lost else Spent()
    drawn = draw.draw(config, found.items)
    digest = freeze(drawn.table, path)
    if facts.prompts_sha256 not in (None, digest):
        path.unlink()
        raise RunError(f"{path} was lost and the data give other prompts now; start anew in another --out")
    facts = replace(
        facts,
        prompts_sha256=digest,
        warnings=drawn.warnings,
        data_defects=defect_rows([*found.defects, *drawn.defects], "data"),
        counts={str(name): _counts(part) for name, part in drawn.table.groupby("dataset")},
        data=_fingerprints(config, found, drawn.labels),
    )
    write_run(facts)
    return facts, pd.read_parquet(path), drawn.spent


def _fingerprints(
    config: RunConfig, found: catalogue.Listing, labels: Mapping[tuple[str, str], str]
) -> dict[str, Fingerprint]:
    """Of each data set; phantoms have no releases."""
    told = (
        {}
        if config.world == "phantom"
        else {name: catalogue.release(name, config.data, config.follow_links) for name in config.datasets}
    )
    return fingerprints(found.items, {name: one for name, one in told.items() if one}, labels)


def _counts(prompts: pd.DataFrame) -> dict[str, int]:
    return {"cases": prompts["case"].nunique(), "patients": prompts["patient"].nunique(), "prompts": len(prompts)}


def _score(facts: RunFacts) -> RunFacts:
    started = time.perf_counter()
    failures, seconds = scored(facts, protocols.load(facts.config.protocol), records_path(facts.config.out))
    write_table(failures.astype("string"), failures_path(facts.config.out))
    return _finished(facts, "score", started, Spent(score=seconds), facts.config.jobs)


def scored(facts: RunFacts, protocol: protocols.Protocol, records: Path) -> tuple[pd.DataFrame, float]:
    """Write the records of a run by a protocol's scoring rules.

    Returns:
        The failures, those of the data first, and the seconds that the scoring of all cases took together.

    Raises:
        RunError: a prediction is missing.
    """
    config = facts.config
    table = read_prompts(config.out)
    require_complete(facts, table)
    failed, seconds = score(config.out, config.models, table, protocol, config.jobs, config.engine, records)
    data = pd.DataFrame(facts.data_defects, columns=list(FAILURE_COLUMNS))
    return pd.concat([part for part in (data, failed) if len(part)] or [data], ignore_index=True), seconds


def _report(facts: RunFacts) -> RunOutcome:
    from bench.reporting import report  # noqa: PLC0415 - a run that is finished already draws no figures

    started = time.perf_counter()
    folder, jobs = facts.config.out, facts.config.jobs
    made = report.report(folder, jobs)
    _finished(facts, "report", started, Spent(report=time.perf_counter() - started), 1)
    return _outcome(folder, made)


def _outcome(folder: Path, tables: Sequence[Table | TextTable]) -> RunOutcome:
    kinds = read_failures(folder)["kind"].value_counts()
    return RunOutcome(folder, tables, int(kinds.get("failed", 0)), int(kinds.get("skipped", 0)))


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
