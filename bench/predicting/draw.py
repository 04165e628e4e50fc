"""Before any model runs: read every case once, keep its targets, draw its prompts."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd

from bench import protocols, workers
from bench.config import RunConfig
from bench.data import catalogue
from bench.data.case import DataError, Defect, Item
from bench.data.slicing import Sample, planes, sample
from bench.prompting.kinds import on_every_slice
from bench.prompting.table import PROMPT_COLUMNS, row
from bench.protocols import Protocol
from bench.store import slice_cache
from bench.store.masks import MaskShard, PackedMasks, is_whole
from bench.store.run_folder import targets_path


def draw(config: RunConfig, items: Sequence[Item]) -> tuple[pd.DataFrame, list[Defect], dict[str, list[str]]]:
    """Draw the prompts of all cases and keep their targets in the run folder.

    Returns:
        The prompt table in a fixed order, the defects met, and the warnings by "dataset/case".
    """
    tasks = [(_draw_case, item, config) for item in items]
    drawn = workers.run(tasks, config.jobs, config.engine, "prompts")
    rows = [one for case_rows, _, _ in drawn for one in case_rows]
    table = pd.DataFrame(rows, columns=list(PROMPT_COLUMNS))
    order = ["dataset", "case", "slice", "target", "prompt"]
    table = table.sort_values(order, kind="stable", ignore_index=True)
    warned = {f"{i.dataset}/{i.case}": list(w) for i, (_, _, w) in zip(items, drawn, strict=True) if w}
    return table, [defect for _, defects, _ in drawn for defect in defects], warned


def has_targets(run: Path, item: Item) -> bool:
    """True if the targets of a case are kept and can be read."""
    return is_whole(targets_path(run, item.dataset, item.case), _about(item))


def _about(item: Item) -> dict[str, str]:
    return {"dataset": item.dataset, "case": item.case}


def _draw_case(item: Item, config: RunConfig) -> tuple[list[dict[str, Any]], list[Defect], Sequence[str]]:
    protocol = protocols.load(config.protocol)
    index, masks = [], PackedMasks()
    rows, defects = [], []
    try:
        case = catalogue.read(item)
        cut = planes(case, protocol, on_every_slice(config.prompts))
        for found in map(partial(sample, protocol=protocol), slice_cache.keep(config.out, item, cut)):
            for name, mask in found.native.items():
                index.append(_place(found) | {"target": name})
                masks.append(mask)
                kinds, defect = _kinds(item, found, name, config, protocol)
                rows += [row(item, found, name, kind, protocol, config.seed) for kind in kinds]
                defects += defect
    except DataError as error:
        return [], [Defect(item.dataset, item.patient, item.case, error.kind, str(error))], []
    MaskShard(index, masks, _about(item)).save(targets_path(config.out, item.dataset, item.case))
    return rows, defects, case.warnings


def _kinds(
    item: Item, found: Sample, name: str, config: RunConfig, protocol: Protocol
) -> tuple[Sequence[str], list[Defect]]:
    """The prompts that a target gets, and the reason if it gets none."""
    if not found.native[name].any():
        return [kind for kind in config.prompts if on_every_slice([kind])], []
    if reason := _too_small(found, name, protocol):
        text = f"slice {found.slice}: {reason}"
        return [], [Defect(item.dataset, item.patient, item.case, "skipped", text, name)]
    return config.prompts, []


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
