"""Before any model runs: read every case once, keep its targets, draw its prompts."""

import hashlib
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from adapters.interface import Points, Prompt
from bench import prompts, protocols, workers
from bench.config import RunConfig
from bench.data import catalogue
from bench.data.case import DataError, Defect, Item, class_of
from bench.data.slicing import Sample, samples
from bench.protocols import Protocol
from bench.store.files import write_bytes
from bench.store.masks import MaskShard
from bench.store.run_folder import targets_path

PROMPT_COLUMNS = (
    "dataset", "patient", "case", "slice", "target", "prompt", "round", "seed",
    "x0", "y0", "x1", "y1", "point_x", "point_y", "point_label", "text", "area_px", "height", "width",
)  # fmt: skip


def draw(config: RunConfig, items: Sequence[Item]) -> tuple[pd.DataFrame, list[Defect], dict[str, list[str]]]:
    """Draw the prompts of all cases and keep their targets in the run folder.

    Returns:
        The prompt table in a fixed order, the defects met, and the warnings by "dataset/case".
    """
    tasks = [(_draw_case, item, config) for item in items]
    drawn = workers.run(tasks, config.jobs, config.engine, "prompts")
    rows = [row for case_rows, _, _ in drawn for row in case_rows]
    table = pd.DataFrame(rows, columns=list(PROMPT_COLUMNS))
    order = ["dataset", "case", "slice", "target", "prompt"]
    table = table.sort_values(order, kind="stable", ignore_index=True)
    warned = {f"{i.dataset}/{i.case}": list(w) for i, (_, _, w) in zip(items, drawn, strict=True) if w}
    return table, [defect for _, defects, _ in drawn for defect in defects], warned


def _draw_case(item: Item, config: RunConfig) -> tuple[list[dict[str, Any]], list[Defect], Sequence[str]]:
    protocol = protocols.load(config.protocol)
    try:
        case = catalogue.read(item)
        slices = list(samples(case, protocol, prompts.on_every_slice(config.prompts)))
    except DataError as error:
        return [], [Defect(item.dataset, item.patient, item.case, error.kind, str(error))], []
    index = [_place(sample) | {"target": name} for sample in slices for name in sample.native]
    masks = [mask for s in slices for mask in s.native.values()]
    MaskShard(index, masks).save(targets_path(config.out, item.dataset, item.case))
    rows, defects = [], []
    for sample in slices:
        for name, mask in sample.native.items():
            if not mask.any():
                kinds = [kind for kind in config.prompts if prompts.on_every_slice([kind])]
                rows += [_row(item, sample, name, kind, protocol, config.seed) for kind in kinds]
            elif reason := _too_small(sample, name, protocol):
                text = f"slice {sample.slice}: {reason}"
                defects.append(Defect(item.dataset, item.patient, item.case, "skipped", text, name))
            else:
                rows += [_row(item, sample, name, kind, protocol, config.seed) for kind in config.prompts]
    return rows, defects, case.warnings


def _place(sample: Sample) -> dict[str, Any]:
    """What scoring in mm needs of a slice's grid, as plain JSON values."""
    spacing = {"spacing_mm": list(map(float, sample.spacing_mm)), "slice_mm": sample.slice_mm}
    return {"slice": sample.slice, "slices": sample.slices} | spacing


def _too_small(sample: Sample, name: str, protocol: Protocol) -> str | None:
    area = int(sample.native[name].sum())
    share = area / sample.native[name].size
    if area < protocol.min_area_px:
        return f"{area} px, fewer than the protocol's {protocol.min_area_px}"
    if share < protocol.min_area_fraction:
        return f"{share:.3%} of the slice, less than the protocol's {protocol.min_area_fraction:.3%}"
    return None if name in sample.targets else f"no pixel left at {protocol.working_resolution} px"


def _row(item: Item, sample: Sample, name: str, kind: str, protocol: Protocol, seed: int) -> dict[str, Any]:
    target = sample.targets[name]
    rng = generator_for(seed, item.dataset, item.case, sample.slice, name, kind, 1)
    draw = prompts.KINDS[kind].draw
    prompt = draw(target, protocol, rng) if draw else Prompt(text=class_of(name))
    row: dict[str, Any] = dict.fromkeys(PROMPT_COLUMNS)
    row |= {"dataset": item.dataset, "patient": item.patient, "case": item.case, "slice": sample.slice}
    row |= {"target": name, "prompt": kind, "round": 1, "seed": seed, "area_px": int(sample.native[name].sum())}
    row |= {"height": target.shape[0], "width": target.shape[1]}
    row["text"] = prompt.text
    if prompt.box is not None:
        row |= dict(zip(("x0", "y0", "x1", "y1"), map(float, prompt.box), strict=True))
    if prompt.points is not None:
        if len(prompt.points.labels) != 1:
            raise ValueError(
                f"prompt {kind} begins with {len(prompt.points.labels)} clicks; a first prompt has at most one, "
                "further ones are its later rounds"
            )
        (x, y), label = prompt.points.xy[0], prompt.points.labels[0]
        row |= {"point_x": float(x), "point_y": float(y), "point_label": int(label)}
    return row


def generator_for(
    seed: int, dataset: str, case: str, index: int, target: str, kind: str, prompt_round: int
) -> np.random.Generator:
    """The generator of one prompt: a stable hash of what it is for, so that running order changes nothing."""
    return prompts.generator(seed, dataset, case, index, target, kind, prompt_round)


def prompt_of(row: Mapping[str, Any]) -> Prompt:
    """The stored first prompt of a row of `prompts.parquet`."""
    box = None if pd.isna(row["x0"]) else np.array([row[c] for c in ("x0", "y0", "x1", "y1")], np.float32)
    points = None
    if not pd.isna(row["point_x"]):
        xy = np.array([[row["point_x"], row["point_y"]]], np.float32)
        points = Points(xy, np.array([row["point_label"]], np.int8))
    return Prompt(box=box, points=points, text=None if pd.isna(row["text"]) else row["text"])


def freeze(table: pd.DataFrame, path: Path) -> str:
    """Write the prompt table; returns the sha256 of the file."""
    floats = ["x0", "y0", "x1", "y1", "point_x", "point_y"]
    typed = table.astype(dict.fromkeys(floats, "float32") | {"point_label": "Int8", "text": "string"})
    typed = typed.astype(dict.fromkeys(("slice", "round", "seed", "area_px", "height", "width"), "int64"))
    buffer = io.BytesIO()
    typed.to_parquet(buffer, index=False)
    write_bytes(path, buffer.getvalue())
    return hashlib.sha256(buffer.getvalue()).hexdigest()
