"""Before any model runs: read every case once, keep its targets, draw its prompts."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd

from bench import protocols, workers
from bench.clock import Spent
from bench.config import RunConfig
from bench.data import catalogue
from bench.data.case import Case, DataError, Defect, Item
from bench.data.fingerprint import labels_sha256
from bench.data.reading.identity import first_file
from bench.data.reading.opening import only_below, place
from bench.data.slicing import Sample, planes, sample, slicing_axis
from bench.prompting.kinds import on_every_slice
from bench.prompting.table import columns, row
from bench.protocols import Protocol
from bench.store import slice_cache
from bench.store.grid import CaseGrid, has_grid, write_grid
from bench.store.masks import MaskShard, PackedMasks, is_whole
from bench.store.run_folder import grid_path, targets_path


@dataclass(frozen=True, slots=True)
class DrawnPrompts:
    """The prompts of all cases.

    Attributes:
        table: in a fixed order.
        defects: that were met on the way.
        warnings: by "dataset/case".
        labels: (data set, case) to the checksum of its label files, for cases that could be read.
        spent: seconds of reading and drawing.
    """

    table: pd.DataFrame
    defects: Sequence[Defect]
    warnings: Mapping[str, Sequence[str]]
    labels: Mapping[tuple[str, str], str]
    spent: Spent


def draw(config: RunConfig, items: Sequence[Item]) -> DrawnPrompts:
    """Draw the prompts of all cases and keep their targets in the run folder."""
    tasks = [(_draw_case, item, config) for item in items]
    drawn = workers.run(tasks, config.jobs, config.engine, "prompts")
    rows = [one for case in drawn for one in case.rows]
    table = pd.DataFrame(rows, columns=columns(rows))
    order = ["dataset", "case", "slice", "target", "prompt"]
    table = table.sort_values(order, kind="stable", ignore_index=True)
    spent = Spent()
    for case in drawn:
        spent.join(case.spent)
    defects = [defect for case in drawn for defect in case.defects]
    warned = {f"{i.dataset}/{i.case}": list(c.warnings) for i, c in zip(items, drawn, strict=True) if c.warnings}
    labels = {(i.dataset, i.case): c.labels for i, c in zip(items, drawn, strict=True) if c.labels}
    return DrawnPrompts(table, defects, warned, labels, spent)


@dataclass(slots=True)
class _DrawnCase:
    rows: list[dict[str, Any]] = field(default_factory=list)
    defects: list[Defect] = field(default_factory=list)
    warnings: Sequence[str] = ()
    labels: str = ""
    spent: Spent = field(default_factory=Spent)


def has_targets(run: Path, item: Item) -> bool:
    """True if the targets of a case and their grid are kept and can be read."""
    if not has_grid(grid_path(run, item.dataset, item.case)):
        return False
    return is_whole(targets_path(run, item.dataset, item.case), _about(item))


def _about(item: Item) -> dict[str, str]:
    return {"dataset": item.dataset, "case": item.case}


def _draw_case(item: Item, config: RunConfig) -> _DrawnCase:
    protocol = protocols.load(config.protocol)
    index, masks, made = [], PackedMasks(), _DrawnCase()
    started = time.perf_counter()
    try:
        case = catalogue.read(item)
        cut = planes(case, protocol, protocol.prompted != "every" or on_every_slice(config.prompts))
        for found in map(partial(sample, protocol=protocol), slice_cache.keep(config.out, item, cut)):
            for name, mask in found.native.items():
                index.append(_place(found) | {"target": name})
                masks.append(mask)
                with made.spent.on("draw"):
                    _ask(item, found, name, config, protocol, made)
        with made.spent.on("hash"), only_below(config.data, config.follow_links):
            made.labels = labels_sha256(item)
    except DataError as error:
        return _DrawnCase([], [Defect(item.dataset, item.patient, item.case, error.kind, str(error))])
    made.spent.add("read", time.perf_counter() - started - made.spent.get("draw", 0.0) - made.spent["hash"])
    with made.spent.on("write"):
        write_grid(_grid(item, case, protocol), grid_path(config.out, item.dataset, item.case))
        MaskShard(index, masks, _about(item)).save(targets_path(config.out, item.dataset, item.case))
    made.warnings = case.warnings
    return made


def _grid(item: Item, case: Case, protocol: Protocol) -> CaseGrid:
    """Where the voxels of a case lie, as masks on it need to know."""
    path = first_file(item)
    return CaseGrid(
        image=place(path) if path else case.case,
        shape=case.image.shape[: 3 if case.is_volume else 2],
        affine=None if case.affine is None else tuple(map(tuple, case.affine.tolist())),
        axis=slicing_axis(case, protocol) if case.is_volume else None,
        header=case.header,
    )


def _ask(item: Item, found: Sample, name: str, config: RunConfig, protocol: Protocol, made: _DrawnCase) -> None:
    """Draw the prompts of a target, or keep the reason why it gets none."""
    kinds: Sequence[str] = config.prompts
    if not found.native[name].any():
        kinds = [kind for kind in config.prompts if on_every_slice([kind])]
    elif reason := _too_small(found, name, protocol):
        kinds = []
        text = f"slice {found.slice}: {reason}"
        made.defects.append(Defect(item.dataset, item.patient, item.case, "skipped", text, name))
    made.rows += [row(item, found, name, kind, protocol, config.seed) for kind in kinds]


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
