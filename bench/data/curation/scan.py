"""One case read and judged: a row per mask, and a defect for what cannot be read."""

import hashlib
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from bench.data import catalogue
from bench.data.case import Case, DataError, Defect, Item
from bench.data.curation.hashes import difference_hash, pixels_sha256
from bench.data.curation.quality import image_quality, mask_quality
from bench.data.curation.split import person_of
from bench.data.reading.opening import only_below, opened
from bench.data.slicing import Plane, planes
from bench.protocols import Protocol

PIECE_BYTES = 2**20

Row = Mapping[str, str | int | float]


@dataclass(frozen=True, slots=True)
class ScannedCase:
    """What a case holds.

    Attributes:
        rows: one per mask of a slice, with its names, source, checksums, hashes and quality.
        defects: why the case, if there are no rows, was not judged.
    """

    rows: tuple[Row, ...]
    defects: tuple[Defect, ...]


def scan(item: Item, protocol: Protocol) -> ScannedCase:
    """Read a case and judge every slice that holds a mask, on the case's own grid.

    Args:
        item: of a data set's index.
        protocol: plane and intensities; its working resolution and minimum area are not used.
    """
    try:
        case = catalogue.read(item)
        source = _source(item)
        rows = [row for plane in planes_of(case, protocol) for row in _rows(case, plane, source)]
    except DataError as error:
        return ScannedCase((), (Defect(item.dataset, item.patient, item.case, error.kind, str(error)),))
    return ScannedCase(tuple(rows), ())


def planes_of(case: Case, protocol: Protocol) -> list[Plane]:
    """The slices of a case that hold a class, each class one mask.

    Raises:
        DataError: there are no intensities to map.
    """
    return list(planes(case, replace(protocol, component="label")))


def _source(item: Item) -> Row:
    """The files of a case: the first one below the data folder, their number, and one SHA-256 over those of all."""
    data = Path(item.details["data"])
    whole = hashlib.sha256()
    with only_below(data, item.details["follow_links"]):
        for role, path in sorted(item.files.items()):
            whole.update(f"{role} {file_sha256(path)}\n".encode())
    first = os.path.relpath(next(iter(item.files.values())), data).replace(os.sep, "/")
    return {"source": first, "source_files": len(item.files), "source_sha256": whole.hexdigest()}


def file_sha256(path: Path) -> str:
    """SHA-256 of a file of a data set, read in pieces.

    Raises:
        DataError: see `opened`.
    """
    digest = hashlib.sha256()
    with opened(path) as file:
        while piece := file.read(PIECE_BYTES):
            digest.update(piece)
    return digest.hexdigest()


def _rows(case: Case, plane: Plane, source: Row) -> list[Row]:
    height, width = plane.image.shape[:2]
    shared = {
        "dataset": case.dataset,
        "modality": case.modality,
        "patient": case.patient,
        "person": person_of(case.patient),
        "case": case.case,
        "slice": plane.grid.slice,
        "height": height,
        "width": width,
        **source,
        "pixels_sha256": pixels_sha256(plane.image),
        "hash": difference_hash(plane.image).tobytes().hex(),
        **asdict(image_quality(plane.image)),
    }
    return [
        {**shared, "target": target, **asdict(mask_quality(mask))} for target, mask in plane.masks.items() if mask.any()
    ]
