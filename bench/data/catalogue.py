"""Where the data sets of a run are, and which cases they hold."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from bench.config import RunConfig
from bench.data import datasets
from bench.data.case import Case, DataError, Dataset, Defect, FoundRelease, Item
from bench.data.printable import printable
from bench.data.reading.identity import Walked, distinct, first_file, links_beside, unentered, unused, walk
from bench.data.reading.opening import only_below, place
from bench.data.reading.releases import together
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


def tubes(name: str) -> Sequence[str]:
    """Targets of a data set that are long and thin, so that their centreline is scored, too."""
    return load(name).tubes


def rows(name: str) -> Mapping[str, Sequence[str]]:
    """Table rows of a data set with the targets that each pools."""
    return load(name).rows


def roots(name: str, data: Path, follow_links: bool = False) -> Sequence[Path]:
    """The folders below `data` that hold a data set; those that are links only if links are followed.

    Raises:
        RunError: there is no such folder.
    """
    base, folder = split_name(name)
    where = data / folder if folder else data
    if not where.is_dir():
        raise RunError(f"the data folder {where} does not exist; give --data or set BENCH_DATA")
    with only_below(data, follow_links):
        return sorted(datasets.load(base).find(where))


def index(
    name: str, data: Path, limit: int | None, trust_arrays: bool = False, follow_links: bool = False
) -> tuple[list[Item], list[Defect]]:
    """Items and defects of a data set, under its name on the command line; at most `limit` items.

    Where several folders hold the data set, each case is named after its folder. Whatever a reader raises while it
    lists a folder is a defect of that folder. Cases whose ids cannot be told apart are defects, and so are those whose
    files another case has already. `trust_arrays` goes to the readers with the items, see `volumes.label_on_grid`, and
    `follow_links`, see `opening.only_below`.

    Raises:
        RunError: nothing with its layout lies below `data`.
    """
    dataset = load(name)
    found = roots(name, data, follow_links)
    beside = [] if follow_links else links_beside(data, found)
    if not found:
        links = f"; links not entered without --follow-links: {', '.join(map(place, beside))}" if beside else ""
        raise RunError(f"no {name} below {data}; expected {dataset.layout}{links}")
    details = {"data": data, "follow_links": follow_links, "trust_arrays": trust_arrays}
    rows: list[Item | Defect] = []
    for root in found:
        prefix = f"{root.relative_to(data).as_posix()}/" if len(found) > 1 else ""
        with only_below(data, follow_links):
            listed = _listed(dataset, root)
        walked = walk(root)
        beside += [] if follow_links else walked.links
        rows += [_named(row, name, prefix) for row in (*listed, *_closed(name, root, walked))]
    items, copies = distinct(
        [replace(row, details={**row.details, **details}) for row in rows if isinstance(row, Item)]
    )
    items.sort(key=lambda item: item.case)
    defects = [*(row for row in rows if isinstance(row, Defect)), *copies]
    return items[:limit], defects + [unentered(name, link, data) for link in unused(beside, items)]


def release(name: str, data: Path, follow_links: bool = False) -> FoundRelease | None:
    """The release of a data set at or below a folder; None where its releases are not told apart.

    Raises:
        RunError: see `roots`.
    """
    told = load(name).release
    if told is None:
        return None
    with only_below(data, follow_links):
        found = {root.relative_to(data).as_posix(): told(root) for root in roots(name, data, follow_links)}
    return together({folder: FoundRelease(printable(one.name), printable(one.seen)) for folder, one in found.items()})


def _listed(dataset: Dataset, root: Path) -> Sequence[Item | Defect]:
    """A root's index; whatever stops it is one defect of the root."""
    try:
        return dataset.index(root)
    except DataError as error:
        return [Defect(dataset.name, root.name, root.name, error.kind, str(error))]
    except Exception as error:  # a list or a folder that no reader has met before; other roots go on
        reason = f"{root.name}: cannot be listed ({type(error).__name__}: {error})"
        return [Defect(dataset.name, root.name, root.name, "failed", reason)]


def _named(row: Item | Defect, dataset: str, prefix: str) -> Item | Defect:
    """A row under the names of the command line, all text safe to print and to store."""
    row = replace(row, dataset=dataset, case=printable(prefix + row.case), patient=printable(prefix + row.patient))
    if isinstance(row, Item):
        return row
    return replace(row, reason=printable(row.reason), target=row.target and printable(row.target))


def _closed(dataset: str, root: Path, walked: Walked) -> list[Defect]:
    """Folders whose content nobody may see; readers find nothing in them."""
    places = [(path.relative_to(root).as_posix(), reason) for path, reason in walked.closed]
    return [Defect(dataset, path, path, "failed", f"{path}: cannot be listed ({reason})") for path, reason in places]


def read(item: Item) -> Case:
    """The voxels of an item, under the item's own names.

    Raises:
        DataError: whatever the reader raised, as a reason that names the case's image.
    """
    data, follow_links = item.details.get("data"), item.details.get("follow_links", False)
    try:
        with only_below(data, follow_links):
            case = load(item.dataset).read(item)
    except DataError as error:
        raise DataError(printable(str(error)), error.kind) from error
    except Exception as error:  # the one broad net of the readers: other cases go on
        where = place(first_file(item) or Path(item.case))
        raise DataError(printable(f"{where}: cannot be read ({type(error).__name__}: {error})")) from error
    masks = {printable(name): mask for name, mask in case.masks.items()}
    warnings = tuple(map(printable, case.warnings))
    return replace(case, dataset=item.dataset, patient=item.patient, case=item.case, masks=masks, warnings=warnings)


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
        found, broken = index(name, config.data, config.limit, config.trust_arrays, config.follow_links)
        items += found
        defects += broken
    return Listing(items, defects)
