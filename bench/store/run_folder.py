"""Where the files of a run lie, who may write them, and what the small ones hold."""

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from urllib.parse import quote

import pandas as pd
from filelock import FileLock, Timeout

from bench.data.case import Defect
from bench.errors import RunError, first_line
from bench.store.files import read_json, write_bytes, write_json
from bench.store.run_facts import RunFacts

LOCK = ".segmote-bench.lock"
SLICES = ".segmote-bench-slices"  # these two folders are there only while they are needed
RECORD_PARTS = ".segmote-bench-records"
SECONDS = ".seconds.json"  # the longest ending of a case's file
LONGEST_NAME = 255  # bytes that file systems take
GRID = ".grid.json"
SECONDS_COLUMNS = ("seconds_encode", "seconds_decode")
FAILURE_COLUMNS = ("stage", "kind", "dataset", "patient", "case", "target", "model", "prompt", "reason")


@contextmanager
def one_writer(folder: Path) -> Iterator[None]:
    """Hold the run folder for this process alone.

    Raises:
        RunError: another process is writing there.
    """
    folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder / LOCK)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise RunError(f"{folder} is being written by another run; wait for it or choose another --out") from None
    try:
        yield
    finally:
        lock.release()


def case_path(folder: Path, dataset: str, case: str) -> Path:
    """The file of a case: odd characters of its id are percent-encoded, and a name too long for a file system is cut.

    A cut name ends in "=" and a checksum of the whole id; no other name has that character. Which case a shard is of
    stands in the shard itself, see `MaskShard.about`.
    """
    name = quote(case, safe="")
    if len(name) + len(SECONDS) > LONGEST_NAME:
        name = f"{name[:150]}={hashlib.sha256(case.encode()).hexdigest()[:32]}"
    return folder / quote(dataset, safe="") / f"{name}.npz"


def model_folder(folder: Path, model: str) -> Path:
    """The folder of a model's files."""
    return folder / model.replace("/", "--")


def run_path(run: Path) -> Path:
    """The run's own description."""
    return run / "run.json"


def log_path(run: Path) -> Path:
    """The run's log lines."""
    return run / "log.txt"


def prompts_path(run: Path) -> Path:
    """The first prompts, drawn before any model ran."""
    return run / "prompts.parquet"


def records_path(run: Path, protocol: str | None = None) -> Path:
    """The scores by the run's own protocol, or those by another one's rules."""
    return _scored_folder(run, protocol) / "records.parquet"


def failures_path(run: Path, protocol: str | None = None) -> Path:
    """What was left out, likewise."""
    return _scored_folder(run, protocol) / "failures.parquet"


def rules_path(run: Path, protocol: str) -> Path:
    """The scoring rules of another protocol, beside the scores by these rules."""
    return _scored_folder(run, protocol) / "protocol.json"


def _scored_folder(run: Path, protocol: str | None) -> Path:
    return run if protocol is None else run / "protocols" / protocol


def table_path(run: Path, name: str, suffix: str) -> Path:
    """A table as "csv", "md" or "tex"."""
    return run / "tables" / f"{name}.{suffix}"


def figures_folder(run: Path) -> Path:
    """All figures."""
    return run / "figures"


def figure_path(run: Path, name: str, suffix: str) -> Path:
    """A figure as "png" or "pdf"."""
    return figures_folder(run) / f"{name}.{suffix}"


def page_path(run: Path) -> Path:
    """The HTML page."""
    return run / "report.html"


def certificate_path(run: Path) -> Path:
    """What `bench verify-fast` found, if it was asked to leave it here."""
    return run / "certificate.json"


def images_path(run: Path, dataset: str, case: str) -> Path:
    """Where the images of a case are kept that the gallery shows."""
    return case_path(run / "images", dataset, case)


def targets_path(run: Path, dataset: str, case: str) -> Path:
    """Where the targets of a case are kept."""
    return case_path(run / "targets", dataset, case)


def grid_path(run: Path, dataset: str, case: str) -> Path:
    """Where the grid of a case is kept, beside its targets, see `bench.store.grid`."""
    path = targets_path(run, dataset, case)
    return path.with_name(path.name.removesuffix(".npz") + GRID)


def slices_path(run: Path, dataset: str, case: str) -> Path:
    """Where the slices of a case are kept while the run goes on, see `bench.store.slice_cache`."""
    return case_path(run / SLICES, dataset, case).with_suffix(".arrow")


def seconds_path(predictions: Path) -> Path:
    """Where the timings of a shard of predictions are kept."""
    return predictions.with_name(predictions.name.removesuffix(".npz") + SECONDS)


def predictions_path(run: Path, model: str, dataset: str, case: str) -> Path:
    """Where what a model drew on a case is kept."""
    return case_path(model_folder(run / "predictions", model), dataset, case)


def candidates_path(run: Path, model: str, dataset: str, case: str) -> Path:
    """Where the candidates are kept that a model proposed and did not select; absent if there are none.

    A mask shard whose index rows have `entry`, the row of the predictions' index it belongs to, `candidate`, its place
    among the model's candidates, and `score`, the model's own. The selected candidate is the prediction itself.
    """
    return run / "candidates" / predictions_path(run, model, dataset, case).relative_to(run / "predictions")


def beyond_path(run: Path, model: str, dataset: str, case: str) -> Path:
    """Where the masks are kept that a tool drew on slices in which nobody asked for their class; absent for models.

    A mask shard whose index rows have `slice` and `target`, the class; the masks belong to the volume of the class.
    """
    return run / "beyond" / predictions_path(run, model, dataset, case).relative_to(run / "predictions")


RECORD_COLUMNS = (
    "run", "model", "dataset", "patient", "case", "slice", "target", "prompt", "round", "seed",
    "metric", "value", "status", "seconds_encode", "seconds_decode", "area_px",
)  # fmt: skip


def write_table(table: pd.DataFrame, path: Path) -> None:
    """Write a table as Parquet, whole or not at all."""
    write_bytes(path, table.to_parquet(index=False))


def read_table(path: Path, remedy: str) -> pd.DataFrame:
    """Read a Parquet file of a run.

    Raises:
        RunError: it is damaged or missing; the text ends in the remedy.
    """
    try:
        return pd.read_parquet(path)
    except Exception as error:  # whatever Arrow raises on changed bytes
        raise RunError(f"{path} cannot be read ({first_line(error)}); {remedy}") from None


def defect_rows(defects: Sequence[Defect], stage: str) -> list[dict[str, str | None]]:
    """Defects as rows of `failures.parquet`; plain values, since a frame would turn None beside text into NaN."""
    rows = ({"stage": stage, "model": None, "prompt": None} | asdict(defect) for defect in defects)
    return [{name: row[name] for name in FAILURE_COLUMNS} for row in rows]


def timings(path: Path, entries: int) -> list[dict[str, float]]:
    """Seconds of each entry of a shard; zeros are never written for a prediction that ran.

    Raises:
        RunError: the file beside the shard is missing, damaged, or of another number of entries.
    """
    where = seconds_path(path)
    try:
        rows = [{name: float(row[name]) for name in SECONDS_COLUMNS} for row in read_json(where)]
        if len(rows) != entries:
            raise ValueError(f"{len(rows)} entries for {entries} masks")
    except (OSError, RunError, ValueError, TypeError, LookupError) as error:
        raise RunError(f"{where} cannot be read ({error}); resume the run, which predicts this case again") from None
    return rows


def read_run(run: Path) -> RunFacts:
    """The run's own description.

    Raises:
        RunError: the folder is not a run, or its description is damaged.
    """
    if not run_path(run).exists():
        raise RunError(f"{run} is not a run folder: it has no run.json")
    try:
        content = read_json(run_path(run))
    except RunError as error:
        raise RunError(f"{error}; without it nobody knows what the run was: start anew in another --out") from None
    return RunFacts.from_json(content, run)


def write_run(facts: RunFacts) -> None:
    """Write the run's own description into its folder."""
    write_json(run_path(facts.config.out), facts.to_json())


def read_prompts(run: Path) -> pd.DataFrame:
    """The first prompts of a run, one row per prompt.

    Raises:
        RunError: the file is damaged or missing.
    """
    return read_table(prompts_path(run), "resume the run, which draws lost prompts again")


def read_failures(run: Path) -> pd.DataFrame:
    """What a run left out, with reasons.

    Raises:
        RunError: the run was not scored.
    """
    path = failures_path(run)
    if not path.exists():
        raise RunError(f"{run} has no failures.parquet; `bench score {run}` makes it")
    return read_table(path, f"`bench score {run}` writes it again")
