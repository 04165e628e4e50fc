"""Score: stored masks against stored targets. Needs no model and no data set."""

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from bench import workers
from bench.data.bounding_box import Box
from bench.data.case import Mask, class_of
from bench.protocols import Protocol
from bench.scoring import pair
from bench.scoring.interaction import OBJECT, interaction_scores
from bench.scoring.pair import FAILED, Candidate, Scored, Target
from bench.scoring.propagation import propagation_scores, slice_score
from bench.scoring.stored_case import StoredCase, load_case
from bench.scoring.surface import ImagePart
from bench.scoring.volume import VolumeGrid, box_around, stack
from bench.scoring.volume_scores import ClassKind, kind_of, lesion_records, volume_scores
from bench.store.files import temporary_folder
from bench.store.records import RecordColumns, to_table, write_records
from bench.store.run_folder import FAILURE_COLUMNS, RECORD_PARTS, predictions_path

Row = dict[str, Any]


def score(
    run: Path, models: Sequence[str], table: pd.DataFrame, protocol: Protocol, jobs: int, engine: str, records: Path
) -> tuple[pd.DataFrame, float]:
    """Write the records of all predictions of a run.

    They are long: one row per metric, see `bench.scoring.metrics.METRICS`. Slice is null for the metrics of a stacked
    volume, round for those of an object over all its rounds.

    Args:
        run: the run folder.
        models: whose predictions are scored.
        table: `prompts.parquet`, which lists the cases.
        protocol: whose scoring rules apply.
        jobs, engine: see `bench.workers.run`.
        records: the file to write.

    Returns:
        The failures of models, one row per prediction, and the seconds that the scoring of all cases took together.
    """
    cases = table[["dataset", "patient", "case", "seed"]].drop_duplicates().to_dict("records")
    with temporary_folder(run / RECORD_PARTS) as folder:
        pairs = [
            {"model": model} | case
            for model in models
            for case in cases
            if predictions_path(run, model, case["dataset"], case["case"]).exists()
        ]
        parts = [folder / str(number) for number in range(len(pairs))]
        tasks = [(_score_case, run, pair, protocol, part) for pair, part in zip(pairs, parts, strict=True)]
        failed = workers.run(tasks, jobs, engine, "score")
        write_records(chain(map(pq.read_table, parts), _by_object(map(_objects_path, parts))), records)
    failures = pd.DataFrame([row for rows, _ in failed for row in rows], columns=list(FAILURE_COLUMNS))
    return failures, sum(seconds for _, seconds in failed)


def _objects_path(part: Path) -> Path:
    """The part of the metrics of an object over all its rounds, absent if no prompt has rounds."""
    return part.with_name(f"{part.name}-objects")


def _by_object(parts: Iterable[Path]) -> Iterator[pa.Table]:
    """Records of objects over all their rounds, metric by metric, sorted by object across all parts."""
    found = [pq.read_table(part) for part in parts if part.exists()]
    if found:
        together = pa.concat_tables(found)
        for metric in together["metric"].unique():
            chosen = together.filter(pc.equal(together["metric"], metric))
            yield chosen.sort_by([(name, "ascending") for name in (*OBJECT, "area_px")])


@dataclass(slots=True)
class _Volume:
    """The slices of one class, prompt and round.

    Attributes:
        slices: pairs of slice and entry.
        failed: whether one of them failed.
    """

    slices: list[tuple[int, int]] = field(default_factory=list)
    failed: bool = False


@dataclass(frozen=True, slots=True)
class _ScoredEntry:
    """The scores of one prediction, the area of its target, and the candidate that was scored (None: its own mask)."""

    scores: Mapping[str, Scored]
    area_px: int
    chosen: int | None


def _score_case(run: Path, case: Mapping[str, Any], protocol: Protocol, part: Path) -> tuple[list[Row], float]:
    """Write the records of one model on one case; its failures and the seconds it took."""
    started = time.perf_counter()
    stored = load_case(run, case["model"], case["dataset"], case["case"])
    scored = _score_entries(stored, protocol)
    records = RecordColumns({"run": run.name} | dict(case))
    failures: list[Row] = []
    volumes: dict[tuple[str, str, int], _Volume] = {}
    for number, (entry, seconds) in enumerate(zip(stored.drawn.index, stored.seconds, strict=True)):
        row = {name: entry[name] for name in ("slice", "target", "prompt", "round")} | dict(seconds)
        records.add(row | {"area_px": scored[number].area_px}, scored[number].scores)
        volume = volumes.setdefault((class_of(entry["target"]), entry["prompt"], entry["round"]), _Volume())
        volume.slices.append((entry["slice"], number))
        if stored.drawn.masks[number] is None:
            volume.failed = True
            failures.append(_failure(dict(case) | row, entry["reason"]))
    chosen = [one.chosen for one in scored]
    for row, scores in _volume_records(case["dataset"], volumes, stored, chosen, protocol):
        records.add(row, scores)
        if protocol.prompted != "every" and row["target"] == class_of(row["target"]):
            slices = volumes[row["target"], row["prompt"], row["round"]].slices
            found = [slice_score(stored, number, scored[number].area_px, scored[number].scores) for _, number in slices]
            records.add(row, propagation_scores(found, protocol.prompted, stored.grid))
    made = records.table()
    pq.write_table(made, part)
    if (by_object := _of_objects(made)) is not None:
        pq.write_table(by_object, _objects_path(part))
    return failures, time.perf_counter() - started


def _of_objects(records: pa.Table) -> pa.Table | None:
    """The metrics of objects over all rounds, None if there was one round only."""
    if (pc.max(records["round"]).as_py() or 0) < 2:
        return None
    return to_table(interaction_scores(records.filter(pc.is_valid(records["slice"])).to_pandas()))


def _score_entries(stored: StoredCase, protocol: Protocol) -> list[_ScoredEntry]:
    """The scores of all entries, in order; computed target by target, so that each is unpacked and measured once."""
    by_target: dict[tuple[int, str], list[int]] = {}
    for number, entry in enumerate(stored.drawn.index):
        by_target.setdefault((entry["slice"], entry["target"]), []).append(number)
    found: dict[int, _ScoredEntry] = {}
    for key, numbers in by_target.items():
        spacing_mm = stored.kept.index[stored.targets[key]]["spacing_mm"]
        target = Target(stored.reference(key), spacing_mm)
        area_px = target.packed.area
        for number in numbers:
            scores, chosen = _score_entry(target, stored, number, protocol)
            found[number] = _ScoredEntry(scores, area_px, chosen)
    return [found[number] for number in range(len(stored.drawn.index))]


def _score_entry(
    target: Target, stored: StoredCase, number: int, protocol: Protocol
) -> tuple[Mapping[str, Scored], int | None]:
    """The scores of one prediction, and the place of the candidate that was scored in its stead."""
    mask = stored.drawn.masks[number]
    if mask is None:
        return dict.fromkeys([*pair.names(protocol), "predicted_iou"], FAILED), None
    others = stored.candidates(number)
    own = Candidate(mask, stored.drawn.index[number]["score"], _selected(others))
    chosen = pair.oracle(target, _in_order(own, others)) if protocol.selection == "oracle" else own
    scores = pair.scores(target, chosen.mask, protocol) | pair.choice_scores(target, own, others, protocol)
    if chosen is own:
        return scores, None
    places = (place for place in stored.places[number] if stored.others.index[place]["candidate"] == chosen.number)
    return scores, next(places)


def _selected(others: Sequence[Candidate]) -> int:
    """The place that the candidates not selected leave free."""
    taken = {one.number for one in others}
    return next(number for number in range(len(others) + 1) if number not in taken)


def _in_order(own: Candidate, others: Sequence[Candidate]) -> list[Candidate]:
    return sorted([own, *others], key=lambda one: one.number)


def _volume_records(
    dataset: str,
    volumes: Mapping[tuple[str, str, int], _Volume],
    stored: StoredCase,
    chosen: Sequence[int | None],
    protocol: Protocol,
) -> Iterator[tuple[Row, Mapping[str, Scored]]]:
    """Scores of stacked slices. A slice without a prompt counts as predicted empty; one failed slice fails all.

    Masks of another tool count on all slices.
    """
    space = stored.grid
    scored: dict[tuple[str, str, int], list[tuple[Row, Mapping[str, Scored]]]] = {}
    for name in dict.fromkeys(name for name, _, _ in volumes):  # one target in memory at a time
        its = {key: volume for key, volume in volumes.items() if key[0] == name}
        box = _box(name, its.values(), stored, chosen, space)
        target = _stacked_target(name, stored, space, box)
        kind = kind_of(dataset, name, len(space.shape) == 3)
        for key, volume in its.items():
            predicted = None if volume.failed else stack(_predicted_masks(name, volume, stored, chosen), space, box)
            scored[key] = list(_of_volume(name, target, predicted, protocol, kind))
    for key in volumes:
        name, prompt, number = key
        for row, scores in scored[key]:
            row |= {"slice": None, "prompt": prompt, "round": number, "seconds_encode": 0.0, "seconds_decode": 0.0}
            yield row, scores


def _of_volume(
    name: str, target: Target, predicted: Mask | None, protocol: Protocol, kind: ClassKind
) -> Iterator[tuple[Row, Mapping[str, Scored]]]:
    """The scores of a class, then those of each of its lesions, which are named like components: "lesion#2"."""
    scores, lesions = volume_scores(target, predicted, protocol, kind)
    yield {"target": name, "area_px": target.packed.area}, scores
    for number, (voxels, made) in enumerate(lesion_records(target, lesions) if lesions else (), start=1):
        yield {"target": f"{name}#{number}", "area_px": voxels}, made


def _chosen_masks(volume: _Volume, stored: StoredCase, chosen: Sequence[int | None]) -> Iterator[tuple[int, Mask]]:
    for index, number in volume.slices:
        place = chosen[number]
        mask = stored.drawn.masks[number] if place is None else stored.others.masks[place]
        if mask is not None:
            yield index, mask


def _predicted_masks(
    name: str, volume: _Volume, stored: StoredCase, chosen: Sequence[int | None]
) -> Iterator[tuple[int, Mask]]:
    """All masks of a class: those that were asked for, and what another tool drew beyond them."""
    yield from _chosen_masks(volume, stored, chosen)
    for place, facts in enumerate(stored.beyond.index):
        mask = stored.beyond.masks[place] if facts["target"] == name else None
        if mask is not None:
            yield facts["slice"], mask


def _box(
    name: str, volumes: Iterable[_Volume], stored: StoredCase, chosen: Sequence[int | None], space: VolumeGrid
) -> Box:
    """The part of the volume that holds the target and all that was predicted for it."""
    predicted = (_predicted_masks(name, volume, stored, chosen) for volume in volumes if not volume.failed)
    return box_around(chain(_target_masks(name, stored), *predicted), space)


def _target_masks(name: str, stored: StoredCase) -> Iterator[tuple[int, Mask]]:
    return ((key[0], stored.reference(key)) for key in stored.targets if class_of(key[1]) == name)


def _stacked_target(name: str, stored: StoredCase, space: VolumeGrid, box: Box) -> Target:
    part = ImagePart(tuple(side.start for side in box), space.shape)
    return Target(stack(_target_masks(name, stored), space, box), space.spacing_mm, part)


def _failure(row: Row, reason: str) -> Row:
    names = ("dataset", "patient", "case", "target", "model", "prompt")
    text = f"slice {row['slice']}, round {row['round']}: {reason}"
    return {"stage": "predict", "kind": "failed", "reason": text} | {name: row[name] for name in names}
