"""From data sets on disk to a training set: judge, select, write, draw, describe."""

import hashlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path

import pandas as pd

from bench import protocols
from bench.data import catalogue
from bench.data.case import Defect, Item
from bench.data.curation.selection import SelectionRules, select
from bench.errors import RunError
from bench.store.files import write_bytes, write_json
from bench.studies.curation.data_sheet import DataSheet, write_data_sheet
from bench.studies.curation.imis_folders import export
from bench.studies.curation.judging import judge
from bench.studies.curation.sheets import contact_sheet, histograms
from bench.studies.pictures import save

WORK = ".work"  # what makes a second run go on where the first one ended
MANIFEST, SCORES, LEFT_OUT = "manifest.parquet", "scores.parquet", "left-out.parquet"
ROLES = ("image", "label", "imask")


@dataclass(frozen=True, slots=True)
class CurationConfig:
    """What is curated, and how.

    Attributes:
        data: folder of the sources.
        datasets: their names, see `bench ls datasets`.
        out: folder of the training set.
        rules: of the selection.
        protocol: name; says how volumes are cut and intensities are mapped.
        evaluation: folder of the sets that models are tested on, None if nothing is to be checked against.
        tested: their names.
        jobs, engine: of the workers; they change no result.
        trust_arrays, follow_links: see `bench.data.catalogue.index`.
    """

    data: Path
    datasets: tuple[str, ...]
    out: Path
    rules: SelectionRules
    protocol: str = "segmote"
    evaluation: Path | None = None
    tested: tuple[str, ...] = ()
    jobs: int = 1
    engine: str = "local"
    trust_arrays: bool = False
    follow_links: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Curated:
    """What came out.

    Attributes:
        scores: every mask that could be read, with scores, `reason` and `split`.
        manifest: the masks of the set, with files and checksums.
        left_out: dataset, patient, case, slice, target, kind and reason of whatever is not in the set; `kind` is
            "selection", or that of a reader's defect: "skipped" or "failed".
        folder: where all of it lies.
    """

    scores: pd.DataFrame
    manifest: pd.DataFrame
    left_out: pd.DataFrame
    folder: Path

    @property
    def failed(self) -> int:
        """How many cases should be readable and are not."""
        return int((self.left_out["kind"] == "failed").sum())


def curate(config: CurationConfig) -> Curated:
    """Make a training set; the same command again goes on where it was interrupted, or makes the same files.

    Raises:
        RunError: a data set is not there; no mask can be read, or none passes.
        ValueError: an unknown name.
    """
    protocol = protocols.load(config.protocol)
    work = config.out / WORK
    items, defects = _listed(config, config.data, config.datasets)
    rows, unread = judge(items, protocol, work / "judged", config.jobs, config.engine, "judge")
    defects += unread
    if rows.empty:
        first = f"; the first reason: {defects[0].reason}" if defects else ""
        raise RunError(f"no mask below {config.data} can be read{first}")
    tested = pd.DataFrame()
    unchecked: list[Defect] = []
    if config.evaluation:
        others, unchecked = _listed(config, config.evaluation, config.tested)
        tested, unread = judge(others, protocol, work / "judged", config.jobs, config.engine, "judge tests")
        unchecked += unread
    scores = select(rows, tested, config.rules)
    chosen = scores[scores["reason"] == ""].drop(columns="reason")
    left_out = _left_out(scores, defects)
    if chosen.empty:
        raise RunError(f"none of {len(scores)} masks passes; the first reason: {left_out['reason'].iloc[0]}")
    before = _files(config.out)
    manifest = export(chosen, items, protocol, config.out, work / "written", config.jobs, config.engine)
    _remove(config.out, before - {name for role in ROLES for name in manifest[role]})
    found = Curated(scores, manifest, left_out, config.out)
    _write(config, found, items, unchecked)
    return found


def _listed(config: CurationConfig, data: Path, names: Sequence[str]) -> tuple[list[Item], list[Defect]]:
    items: list[Item] = []
    defects: list[Defect] = []
    for name in names:
        found, broken = catalogue.index(name, data, None, config.trust_arrays, config.follow_links)
        items += found
        defects += broken
    return items, defects


def _left_out(scores: pd.DataFrame, defects: Sequence[Defect]) -> pd.DataFrame:
    columns = ["dataset", "patient", "case", "slice", "target", "kind", "reason"]
    read = scores[scores["reason"] != ""].assign(kind="selection")
    unread = pd.DataFrame([asdict(defect) for defect in defects], columns=columns)
    left_out = pd.concat([read[columns].astype({"slice": "Int64"}), unread.astype({"slice": "Int64"})])
    return left_out.sort_values(["dataset", "case", "slice", "target", "reason"], ignore_index=True)


def _files(out: Path) -> set[str]:
    """The files that an earlier run has listed as its own."""
    if not (out / MANIFEST).is_file():
        return set()
    earlier = pd.read_parquet(out / MANIFEST, columns=list(ROLES))
    return {name for role in ROLES for name in earlier[role]}


def _remove(out: Path, names: set[str]) -> None:
    for name in sorted(names):
        (out / name).unlink(missing_ok=True)


def _write(config: CurationConfig, found: Curated, items: Sequence[Item], unchecked: Sequence[Defect]) -> None:
    for name, table in ((SCORES, found.scores), (MANIFEST, found.manifest), (LEFT_OUT, found.left_out)):
        write_bytes(config.out / name, table.to_parquet(index=False))
    facts = {
        "version": version("segmote-bench"),
        "datasets": list(config.datasets),
        "protocol": config.protocol,
        "rules": asdict(config.rules),
        "evaluation": list(config.tested),
        "evaluation_not_checked": [f"{one.dataset} {one.case}: {one.reason}" for one in unchecked],
        "masks_read": len(found.scores),
        "masks": len(found.manifest),
        "manifest_sha256": hashlib.sha256((config.out / MANIFEST).read_bytes()).hexdigest(),
    }
    write_json(config.out / "curation.json", facts)
    save(histograms(found.scores), config.out / "quality")
    save(contact_sheet(found.scores, items, protocols.load(config.protocol)), config.out / "contact-sheet")
    write_data_sheet(DataSheet(facts, found.manifest, found.left_out), config.out)
