"""A run's masks and scores in the formats of other tools: NIfTI on the scan's grid, challengeR, Grand Challenge.

Masks lie in MODEL/PROMPT/DATASET/ below the folder of the export, where `bench run --models masks:` finds them again.
"""

import gzip
import json
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from PIL import Image

from bench.data import catalogue
from bench.data.case import Mask, class_name, class_of
from bench.data.reading.volumes import stored_order
from bench.errors import RunError
from bench.reporting.scored_run import ScoredRun, read_scored_run
from bench.reporting.tables.safe_text import csv_text
from bench.store.files import write_bytes, write_json
from bench.store.grid import CaseGrid, read_grid
from bench.store.masks import MaskShard
from bench.store.run_facts import RunFacts
from bench.store.run_folder import beyond_path, grid_path, model_folder, predictions_path, read_prompts, read_run

Classes = Mapping[str, Mask]


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Something that has no file in an export, and why."""

    model: str
    prompt: str
    dataset: str
    case: str
    reason: str


@dataclass(frozen=True, slots=True)
class Export:
    """What an export wrote.

    Attributes:
        files: how many.
        overlapping: voxels that more than one class of a label map claimed; the highest id has them.
        left_out: cases or classes without a file.
    """

    files: int
    overlapping: int = 0
    left_out: Sequence[LeftOut] = ()


def export(run: Path, style: str, folder: Path) -> Export:
    """Write a run in another format.

    Args:
        run: the run folder.
        style: a key of `FORMATS`.
        folder: of the export; new or empty.

    Raises:
        RunError: the folder holds something, no such format, or the run has not what the format needs.
    """
    if style not in FORMATS:
        raise RunError(f"no export format {style!r}; there are {', '.join(FORMATS)}")
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise RunError(f"{folder} is not empty; choose another --out, as old files would stay among the new ones")
    return FORMATS[style](run, folder)


def _masks(run: Path, folder: Path, label_maps: bool) -> Export:
    """The masks of all models, prompts and cases; those of the last round."""
    facts, prompts = read_run(run), read_prompts(run)
    ids = {str(name): _ids(str(name), part["target"]) for name, part in prompts.groupby("dataset")}
    files, overlapping, left_out = 0, 0, list[LeftOut]()
    for model, prompt, dataset in _asked(facts):
        if dataset not in ids:
            continue
        where = model_folder(folder, model) / prompt / dataset
        _write_table(where, ids[dataset], label_maps)
        files += 1
        for case in prompts[(prompts["dataset"] == dataset) & (prompts["prompt"] == prompt)]["case"].unique():
            found, failed = _classes(run, model, prompt, dataset, case)
            left_out += [LeftOut(model, prompt, dataset, case, reason) for reason in failed]
            grid, path = read_grid(grid_path(run, dataset, case)), _inside(where, case)
            if label_maps and not failed:
                values, twice = _label_map(found, ids[dataset])
                overlapping += twice
                _write(path, values, grid)
                files += 1
            for name, mask in () if label_maps else found.items():
                _write(_inside(path, name), mask.astype(np.uint8), grid)
                files += 1
    _write_left_out(folder, left_out)
    return Export(files, overlapping, left_out)


def _asked(facts: RunFacts) -> Iterator[tuple[str, str, str]]:
    """The models with the prompts that they were asked with, on each data set."""
    for model in facts.config.models:
        for prompt in facts.config.prompts:
            if (model, prompt) not in facts.not_applicable:
                yield from ((model, prompt, dataset) for dataset in facts.config.datasets)


def _ids(dataset: str, targets: Iterable[str]) -> dict[str, int]:
    """The id of each class: that of the data set's own label maps where it has one, else by name from 1 on."""
    known = {name: ids[0] for name, ids in catalogue.load(dataset).labels.items()}
    classes = sorted({class_name(target) for target in targets})
    return known if set(classes) <= set(known) else {name: number for number, name in enumerate(classes, 1)}


def _classes(run: Path, model: str, prompt: str, dataset: str, case: str) -> tuple[dict[str, Mask], list[str]]:
    """What a model drew of each class of a case, in LPS order; classes that failed are reasons instead."""
    about = {"model": model, "dataset": dataset, "case": case}
    grid = read_grid(grid_path(run, dataset, case))
    drawn = MaskShard.load(predictions_path(run, model, dataset, case), about)
    last = max((entry["round"] for entry in drawn.index if entry["prompt"] == prompt), default=1)
    found: dict[str, Mask] = {}
    failed: dict[str, str] = {}
    for place, entry in enumerate(drawn.index):
        if (entry["prompt"], entry["round"]) != (prompt, last):
            continue
        name, mask = class_name(entry["target"]), drawn.masks[place]
        if mask is None:
            failed.setdefault(name, f"{name}, slice {entry['slice']}: {entry['reason']}")
        else:
            grid.plane(found.setdefault(name, np.zeros(grid.shape, bool)), entry["slice"])[...] |= mask
    for name, number, mask in _beyond(beyond_path(run, model, dataset, case), about):
        if name in found:
            grid.plane(found[name], number)[...] |= mask
    return {name: mask for name, mask in found.items() if name not in failed}, list(failed.values())


def _beyond(path: Path, about: Mapping[str, str]) -> Iterator[tuple[str, int, Mask]]:
    """Class, slice and mask of what another tool drew where nobody asked."""
    shard = MaskShard.load(path, about) if path.exists() else MaskShard([], [])
    for place, entry in enumerate(shard.index):
        mask = shard.masks[place]
        if mask is not None:
            yield class_name(class_of(entry["target"])), entry["slice"], mask


def _label_map(found: Classes, ids: Mapping[str, int]) -> tuple[NDArray[Any], int]:
    """All classes in one array, and how many voxels more than one of them claims: the highest id has them."""
    first = next(iter(found.values()))
    values, claimed = np.zeros(first.shape, np.uint8 if max(ids.values()) < 256 else np.uint16), 0
    for name in sorted(found, key=lambda name: ids[name]):
        claimed += int((values[found[name]] > 0).sum())
        values[found[name]] = ids[name]
    return values, claimed


def _write(path: Path, values: NDArray[Any], grid: CaseGrid) -> None:
    """A label volume on the scan's grid as NIfTI, or a label picture as PNG; the ending is added."""
    if grid.affine is None:
        buffer = BytesIO()
        Image.fromarray(values).save(buffer, format="png")
        write_bytes(path.with_name(f"{path.name}.png"), buffer.getvalue())
        return
    image = _scan_image(values, grid)
    write_bytes(path.with_name(f"{path.name}.nii.gz"), gzip.compress(image.to_bytes(), 6, mtime=0))


def _scan_image(values: NDArray[Any], grid: CaseGrid) -> nib.Nifti1Image:
    """An image with the axes, the affines and the unit of the scan's own file, so that it lies on the scan."""
    if grid.header is None:
        return nib.Nifti1Image(values, grid.affine_mm)
    stored = stored_order(values, grid.header.turn)
    header = nib.Nifti1Header()
    header.set_data_dtype(values.dtype)
    header.set_data_shape(stored.shape)
    for name, value in grid.header.fields.items():
        header[name] = value
    return nib.Nifti1Image(stored, None, header)


def _inside(folder: Path, name: str) -> Path:
    """A path below a folder; names of cases and classes come from data.

    Raises:
        RunError: the name leads out of it.
    """
    path = folder / name
    if ".." in Path(name).parts or not path.is_relative_to(folder) or path == folder:
        raise RunError(f"{name!r} cannot name a file of the export")
    return path


def _write_table(folder: Path, ids: Mapping[str, int], label_maps: bool) -> None:
    """The names of the ids, as nnU-Net and as this benchmark read them."""
    if not label_maps:
        write_json(folder / "labels.json", dict(ids))
        return
    content = {"channel_names": {"0": "image"}, "labels": {"background": 0, **ids}, "file_ending": ".nii.gz"}
    write_bytes(folder / "dataset.json", (json.dumps(content, indent=2) + "\n").encode())


def _write_left_out(folder: Path, left_out: Sequence[LeftOut]) -> None:
    if left_out:
        write_bytes(folder / "left-out.csv", csv_text(pd.DataFrame(left_out)).encode())


def _challenger(run: Path, folder: Path) -> Export:
    """The long table of challengeR, one per prompt kind and metric: a task is a row of a data set, a case a patient.

    The value of a patient is the mean over its masks; NA where one of them failed, for challengeR's `na.treat`.
    """
    scored = read_scored_run(run)
    count = 0
    for prompt in scored.prompts:
        for metric in ("dice", "volume_dice"):
            table = _long(scored, prompt, metric)
            if len(table):
                text = csv_text(table.astype(object).where(table.notna(), "NA"))
                write_bytes(folder / f"challenger-{prompt}-{metric}.csv", text.encode())
                count += 1
    return Export(count)


def _long(run: ScoredRun, prompt: str, metric: str) -> pd.DataFrame:
    records = run.scores(prompt, metric)
    records = records.assign(task=records["dataset"] + ": " + records["row"], failed=records["status"] == "failed")
    grouped = records.groupby(["task", "patient", "model"], sort=True)
    values = grouped["value"].mean().where(~grouped["failed"].any())
    table = values.rename("value").reset_index()
    return table.rename(columns={"patient": "case", "model": "algorithm"})


def _grand_challenge(run: Path, folder: Path) -> Export:
    """Grand Challenge's `metrics.json` for each model and prompt kind: all cases and the aggregates over them."""
    scored, count = read_scored_run(run), 0
    for (model, prompt), part in scored.records.groupby(["model", "prompt"], sort=False):
        cases = _by_case(part)
        if len(cases):
            write_json(model_folder(folder, str(model)) / str(prompt) / "metrics.json", _metrics(cases))
            count += 1
    return Export(count)


def _by_case(records: pd.DataFrame) -> pd.DataFrame:
    """One row per data set, case and class, and one column per metric: its mean over slices, at the last round."""
    rounds = records["round"]
    records = records[rounds.notna() & (rounds == rounds.max())]
    records = records.assign(**{"class": records["target"].map(class_of).map(class_name)})
    keys = ["dataset", "patient", "case", "class"]
    return records.pivot_table("value", keys, "metric", dropna=False, observed=True).dropna(how="all").reset_index()


def _metrics(cases: pd.DataFrame) -> dict[str, Any]:
    columns = {str(name): {str(n): _plain(value) for n, value in cases[name].items()} for name in cases}
    numbers = cases.select_dtypes("number")
    aggregates = {
        str(name): {str(what): _plain(value) for what, value in numbers[name].describe().items()} for name in numbers
    }
    return {"case": columns, "aggregates": aggregates}


def _plain(value: Any) -> Any:
    """A value as JSON holds it: what is no number is null."""
    if isinstance(value, str):
        return value
    return float(value) if math.isfinite(value) else None


FORMATS: Mapping[str, Callable[[Path, Path], Export]] = {
    "nifti": partial(_masks, label_maps=False),
    "nnunet": partial(_masks, label_maps=True),
    "csv-challenger": _challenger,
    "grand-challenge": _grand_challenge,
}
