"""The masks of another tool in place of predictions: every prompt is answered by what the tool drew of its class."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from bench.clock import Spent
from bench.config import RunConfig
from bench.data.case import DataError, Item, Mask, class_of
from bench.data.given_masks import CaseMasks, GivenMasks, MaskGrid
from bench.prompting.kinds import KINDS
from bench.store.files import write_json
from bench.store.grid import CaseGrid, read_grid
from bench.store.masks import MaskShard, PackedMasks
from bench.store.run_folder import SECONDS_COLUMNS, beyond_path, grid_path, predictions_path, seconds_path

NO_TURN = ((0, 1), (1, 1), (2, 1))


def take_masks(given: GivenMasks, item: Item, rows: pd.DataFrame, config: RunConfig) -> Spent:
    """Write the shard of a case from a tool's masks, the same in every round, and what it drew where nobody asked.

    Args:
        given: the tool.
        item: the case.
        rows: of `prompts.parquet`.
        config: of the run.

    Returns:
        The seconds that it took. They are no seconds of the tool: its entries have none.
    """
    spent, index, masks = Spent(), [], PackedMasks()
    grid = read_grid(grid_path(config.out, item.dataset, item.case))
    with spent.on("read"):
        of = _reader(CaseMasks(given, item, _mask_grid(grid), len(config.datasets) == 1))
        asked = rows.to_dict("records")
        for row in asked:
            found = of(class_of(row["target"]))
            entry = {"slice": int(row["slice"]), "target": row["target"], "prompt": row["prompt"], "score": None}
            reason = found if isinstance(found, str) else None
            entry |= {"status": "failed" if reason else "ok", "reason": reason}
            for number in range(1, (config.clicks if KINDS[row["prompt"]].rounds else 1) + 1):
                index.append(entry | {"round": number})
                masks.append(None if isinstance(found, str) else grid.plane(found, entry["slice"]))
        beyond = _beyond(asked, of, grid)
    about = {"model": given.model, "dataset": item.dataset, "case": item.case}
    path = predictions_path(config.out, given.model, item.dataset, item.case)
    with spent.on("write"):
        write_json(seconds_path(path), [dict.fromkeys(SECONDS_COLUMNS, 0.0)] * len(index))
        MaskShard(*beyond, about).save(beyond_path(config.out, given.model, item.dataset, item.case))
        MaskShard(index, masks, about).save(path)  # last: a case with this file is done
    return spent


def _mask_grid(grid: CaseGrid) -> MaskGrid:
    turn = np.asarray(grid.header.turn if grid.header else NO_TURN)
    return MaskGrid(grid.image, grid.shape, None if grid.affine is None else grid.affine_mm, turn)


def _reader(case: CaseMasks) -> Callable[[str], Mask | str]:
    """The mask of a class, or the reason why there is none; each is read once."""
    found: dict[str, Mask | str] = {}

    def of(target: str) -> Mask | str:
        if target not in found:
            try:
                found[target] = case.of(target)
            except DataError as error:
                found[target] = str(error)
        return found[target]

    return of


def _beyond(
    asked: Sequence[Mapping[Any, Any]], of: Callable[[str], Mask | str], grid: CaseGrid
) -> tuple[list[dict[str, Any]], PackedMasks]:
    """What was drawn of the classes that were asked for in slices where some kind of prompt did not ask for them."""
    index, masks = [], PackedMasks()
    kinds = {row["prompt"] for row in asked}
    slices: dict[str, dict[str, set[int]]] = {}
    for row in asked:
        by_kind = slices.setdefault(class_of(row["target"]), {kind: set() for kind in kinds})
        by_kind[row["prompt"]].add(int(row["slice"]))
    for target, by_kind in slices.items():
        found = of(target)
        if isinstance(found, str):
            continue
        everywhere = set.intersection(*by_kind.values())
        for number in range(grid.slices):
            drawn = grid.plane(found, number)
            if number not in everywhere and drawn.any():
                index.append({"slice": number, "target": target})
                masks.append(drawn)
    return index, masks
