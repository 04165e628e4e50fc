"""Where the data sets of a run are, and which cases they hold."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from bench.config import RunConfig
from bench.data import datasets
from bench.data.case import Case, Dataset, Defect, Item
from bench.errors import RunError


def split_name(name: str) -> tuple[str, str | None]:
    """A data set's name and, after a colon, the one sub-folder that is meant: "folder:prostate"."""
    base, _, folder = name.partition(":")
    return base, folder or None


def load(name: str) -> Dataset:
    """The data set of that name, with or without a sub-folder."""
    return datasets.load(split_name(name)[0])


def lesions(name: str) -> Sequence[str]:
    """Targets of a data set that are scored lesion by lesion."""
    return load(name).lesions


def rows(name: str) -> Mapping[str, Sequence[str]]:
    """Table rows of a data set with the targets that each pools."""
    return load(name).rows


def roots(name: str, data: Path) -> Sequence[Path]:
    """The folders below `data` that hold a data set.

    Raises:
        RunError: there is no such folder.
    """
    base, folder = split_name(name)
    where = data / folder if folder else data
    if not where.is_dir():
        raise RunError(f"the data folder {where} does not exist; give --data or set BENCH_DATA")
    return sorted(datasets.load(base).find(where))


def index(name: str, data: Path, limit: int | None, trust_arrays: bool = False) -> tuple[list[Item], list[Defect]]:
    """Items and defects of a data set, under its name on the command line; at most `limit` items.

    Where several folders hold the data set, each case is named after its folder. `trust_arrays` goes to the readers
    with the items, see `volumes.check_grid`.

    Raises:
        RunError: nothing with its layout lies below `data`.
    """
    dataset = load(name)
    found = roots(name, data)
    if not found:
        raise RunError(f"no {name} below {data}; expected {dataset.layout}")
    rows: list[Item | Defect] = []
    for root in found:
        prefix = f"{root.relative_to(data).as_posix()}/" if len(found) > 1 else ""
        rows += [
            replace(row, dataset=name, case=prefix + row.case, patient=prefix + row.patient)
            for row in (*dataset.index(root), *_unlisted(name, root))
        ]
    items = sorted((row for row in rows if isinstance(row, Item)), key=lambda item: item.case)
    if trust_arrays:
        items = [replace(item, details={**item.details, "trust_arrays": True}) for item in items]
    return items[:limit], [row for row in rows if isinstance(row, Defect)]


def _unlisted(dataset: str, root: Path) -> list[Defect]:
    """Folders whose content nobody may see; readers find nothing in them."""
    errors: list[OSError] = []
    for _ in os.walk(root, onerror=errors.append):
        pass
    places = [(Path(error.filename).relative_to(root).as_posix(), error.strerror or error) for error in errors]
    return [Defect(dataset, path, path, "failed", f"{path}: cannot be listed ({reason})") for path, reason in places]


def read(item: Item) -> Case:
    """The voxels of an item, under the item's own names."""
    case = load(item.dataset).read(item)
    return replace(case, dataset=item.dataset, patient=item.patient, case=item.case)


@dataclass(frozen=True, slots=True)
class Listing:
    """What the indices of all data sets hold, before a voxel is read."""

    items: Sequence[Item]
    defects: Sequence[Defect]


def listing(config: RunConfig) -> Listing:
    """Index every data set of the run.

    Raises:
        RunError: a data set is not below the data folder.
    """
    items: list[Item] = []
    defects: list[Defect] = []
    for name in config.datasets:
        found, broken = index(name, config.data, config.limit, config.trust_arrays)
        items += found
        defects += broken
    return Listing(items, defects)
