"""The few images that a gallery shows: read from the data once, then kept with the run.

Only the scores say which slices are worth a look, so images are read again when a run is reported, not kept when it
predicts (whole data sets would be copied otherwise). What was read is stored below `images/`: a report made later, or
elsewhere, needs no data.
"""

import io
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from bench.config import RunConfig
from bench.data import catalogue
from bench.data.case import DataError, Item, Mask
from bench.errors import RunError
from bench.prompting.kinds import on_every_slice
from bench.reporting.scored_run import ScoredRun
from bench.store import slice_cache
from bench.store.files import write_bytes
from bench.store.masks import MaskShard
from bench.store.run_folder import images_path, targets_path

Image = NDArray[np.uint8]
CaseKey = tuple[str, str]  # data set, case


@dataclass(frozen=True, slots=True, eq=False)
class Images:
    """Images on the original grid.

    Attributes:
        found: (data set, case, slice) to (H, W) or (H, W, 3) uint8.
        missing: (data set, case) to the reason why some of its images are not there.
    """

    found: Mapping[tuple[str, str, int], Image]
    missing: Mapping[CaseKey, str]


def collect(run: ScoredRun, wanted: Mapping[CaseKey, Collection[int]]) -> Images:
    """Images of the wanted slices: the stored ones, and the others from the data folder, which are then stored too.

    Args:
        run: the run.
        wanted: slices of each case.
    """
    found: dict[tuple[str, str, int], Image] = {}
    missing: dict[CaseKey, str] = {}
    items: dict[str, dict[str, Item] | str] = {}
    for (dataset, case), slices in wanted.items():
        known = _stored(images_path(run.folder, dataset, case))
        if not set(slices) <= known.keys():
            if dataset not in items:
                items[dataset] = _items(dataset, run.facts.config)
            try:
                known |= _read(run, items[dataset], dataset, case, set(slices))
            except (DataError, RunError, OSError) as error:
                missing[dataset, case] = str(error)
        found |= {(dataset, case, number): known[number] for number in slices if number in known}
    return Images(found, missing)


def _stored(path: Path) -> dict[int, Image]:
    try:
        with np.load(path, allow_pickle=False) as file:
            return {int(name): file[name] for name in file.files}
    except (OSError, ValueError, BadZipFile):  # not there or damaged: read anew
        return {}


def _items(dataset: str, config: RunConfig) -> dict[str, Item] | str:
    """Items by case, or the reason why there are none."""
    try:
        found, _ = catalogue.index(dataset, config.data, config.limit, config.trust_arrays, config.follow_links)
    except (RunError, OSError) as error:
        return str(error)
    return {item.case: item for item in found}


def _read(
    run: ScoredRun, items: dict[str, Item] | str, dataset: str, case: str, slices: Collection[int]
) -> dict[int, Image]:
    """The wanted slices of a case on its own grid, stored as well; refused if the targets are no longer the run's."""
    if isinstance(items, str):
        raise RunError(items)
    if case not in items:
        raise RunError(f"{dataset} has no case {case} any more")
    targets = _targets(run.folder, dataset, case, slices)
    found: dict[int, Image] = {}
    everything = on_every_slice(run.prompts)
    for plane in slice_cache.planes(run.folder, items[case], run.protocol, everything, slices):
        number = plane.grid.slice
        if not _same({name: mask for (index, name), mask in targets.items() if index == number}, plane.masks):
            raise RunError(f"the data of {dataset} {case} changed since the run")
        found[number] = plane.image
    _store(images_path(run.folder, dataset, case), found)
    return found


def _same(targets: Mapping[str, Mask | None], masks: Mapping[str, Mask]) -> bool:
    pairs = [(mask, masks.get(name)) for name, mask in targets.items()]
    return all(kept is not None and now is not None and np.array_equal(kept, now) for kept, now in pairs)


def _targets(run: Path, dataset: str, case: str, slices: Collection[int]) -> dict[tuple[int, str], Mask | None]:
    shard = MaskShard.load(targets_path(run, dataset, case))
    places = [place for place, row in enumerate(shard.index) if row["slice"] in slices]
    return {(shard.index[place]["slice"], shard.index[place]["target"]): shard.masks[place] for place in places}


def _store(path: Path, found: Mapping[int, Image]) -> None:
    """Equal images give equal bytes."""
    every = _stored(path) | dict(found)
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **{str(number): every[number] for number in sorted(every)})  # type: ignore[arg-type]
    write_bytes(path, buffer.getvalue())


def slices_of(keys: Collection[tuple[str, str, int]]) -> dict[CaseKey, set[int]]:
    """Wanted slices by case."""
    wanted: dict[CaseKey, set[int]] = {}
    for dataset, case, number in _sorted(keys):
        wanted.setdefault((dataset, case), set()).add(number)
    return wanted


def _sorted(keys: Collection[tuple[str, str, int]]) -> Iterator[tuple[str, str, int]]:
    yield from sorted(set(keys))
