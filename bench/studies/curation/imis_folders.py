"""The chosen masks as folders in the layout of IMIS-Bench, which the released SegMoTE code and our trainer read.

    <set>/dataset.json          labels, and the lists "training" and "test" of {image, label, imask, patient}
    <set>/image/<case>_<slice>.png   RGB, on the grid of the source
    <set>/label/<case>_<slice>.(C, H, W, 1).npz   a sparse matrix, one row per class
    <set>/imask/<case>_<slice>.npy           the regions of all its masks, numbered from 0; -1 is background

The released code asks for an `imask` of regions that a model drew. None were drawn here: those are the 8-connected
components of the chosen masks themselves.
"""

import hashlib
import io
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from PIL import Image
from scipy import sparse

from bench import workers
from bench.data import catalogue
from bench.data.case import Item, Mask, class_name
from bench.data.components import components
from bench.data.curation.scan import planes_of
from bench.data.reading.names import folded
from bench.errors import RunError
from bench.protocols import Protocol
from bench.store.files import read_json, write_bytes, write_json

UNSAFE = re.compile(r"[^A-Za-z0-9_-]+")  # the dot as well: the released code takes the shape of a label between dots
LISTS = {"train": "training", "test": "test"}
NO_REGION = -1


@dataclass(frozen=True, slots=True)
class CaseExport:
    """What of a case is written.

    Attributes:
        item: to read again.
        folder: of the data set.
        classes: names of all classes of the data set; their ids count from 1 in this order.
        targets: chosen, by slice.
        note: file that lists what was written.
    """

    item: Item
    folder: Path
    classes: tuple[str, ...]
    targets: Mapping[int, tuple[str, ...]]
    note: Path


def safe_name(name: str) -> str:
    """A name that is a file's everywhere; where characters had to go, a few of its checksum tell it from others.

    Example:
        >>> safe_name("ISIC_0000001"), safe_name("a/b 1")
        ('ISIC_0000001', 'a-b-1-e54efb36')
    """
    safe = UNSAFE.sub("-", name)[:100]
    return safe if safe == name else f"{safe}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"


def folder_names(names: Iterable[str]) -> dict[str, str]:
    """The folder of each data set: "imis:prostate" lies in `prostate`, unless another data set would lie there, too.

    >>> folder_names(["imis:prostate", "imis:btcv", "btcv"])
    {'imis:prostate': 'prostate', 'imis:btcv': 'imis-btcv-22d675cb', 'btcv': 'btcv'}
    """
    names = list(dict.fromkeys(names))
    short = {name: name.partition(":")[2] or name for name in names}
    used = Counter(folded(one) for one in short.values())
    return {name: safe_name(one if one == name or used[folded(one)] == 1 else name) for name, one in short.items()}


def export(
    chosen: pd.DataFrame, items: Sequence[Item], protocol: Protocol, out: Path, kept: Path, jobs: int, engine: str
) -> pd.DataFrame:
    """Write the folders; a case that is there already, whole, is not written again.

    Args:
        chosen: the rows of `select` that are kept.
        items: of all cases, to read them again.
        protocol: plane and intensities, as they were judged.
        out: the folders are made in it.
        kept: folder of notes about finished cases.
        jobs, engine: see `bench.workers.run`.

    Returns:
        The rows with `folder`, `class_id`, and path (below `out`) and SHA-256 of `image`, `label` and `imask`.
    """
    by_case = {(item.dataset, item.case): item for item in items}
    classes = {str(name): _classes(rows) for name, rows in chosen.groupby("dataset")}
    folders = {name: out / folder for name, folder in folder_names(classes).items()}
    exports = [
        _export(by_case[str(dataset), str(case)], rows, classes[str(dataset)], folders[str(dataset)], kept)
        for (dataset, case), rows in chosen.groupby(["dataset", "case"])
    ]
    tasks = [(_write_case, one, protocol) for one in exports if not _is_whole(one, out)]
    workers.run(tasks, jobs, engine, "write")
    files = pd.DataFrame([row for one in exports for row in read_json(one.note)])
    manifest = chosen.merge(files, on=["dataset", "case", "slice"], validate="many_to_one")
    ids = {(name, one): number for name, names in classes.items() for number, one in enumerate(names, 1)}
    named = zip(manifest["dataset"], manifest["target"].map(class_name), strict=True)
    manifest["class_id"] = [ids[one] for one in named]
    for name, rows in manifest.groupby("dataset"):
        write_json(folders[str(name)] / "dataset.json", _description(str(name), rows, classes[str(name)]))
    return manifest


def _classes(rows: pd.DataFrame) -> tuple[str, ...]:
    return tuple(sorted(set(rows["target"].map(class_name))))


def _export(item: Item, rows: pd.DataFrame, classes: tuple[str, ...], folder: Path, kept: Path) -> CaseExport:
    targets = {number: tuple(rows["target"][rows["slice"] == number]) for number in sorted(set(rows["slice"].tolist()))}
    told = (
        item.dataset,
        item.case,
        classes,
        targets,
        folder.name,
        sorted(set(rows["source_sha256"])),
        sorted(set(rows["pixels_sha256"])),
    )
    note = kept / f"{hashlib.sha256(repr(told).encode()).hexdigest()[:32]}.json"
    return CaseExport(item, folder, classes, targets, note)


def _is_whole(one: CaseExport, out: Path) -> bool:
    """Whether all files of a case are there with the checksums that its note has."""
    try:
        return all(
            hashlib.sha256((out / row[role]).read_bytes()).hexdigest() == row[f"{role}_sha256"]
            for row in read_json(one.note)
            for role in ("image", "label", "imask")
        )
    except (OSError, RunError, KeyError, TypeError):
        return False


def _write_case(one: CaseExport, protocol: Protocol) -> None:
    case = catalogue.read(one.item)
    rows = []
    for plane in planes_of(case, protocol):
        if plane.grid.slice in one.targets:
            masks = {class_name(target): plane.masks[target] for target in one.targets[plane.grid.slice]}
            stem = f"{safe_name(case.case)}_{plane.grid.slice:04d}"
            written = _write_slice(one, stem, plane.image, masks)
            rows.append({"dataset": case.dataset, "case": case.case, "slice": plane.grid.slice, **written})
    write_json(one.note, rows)


def _write_slice(one: CaseExport, stem: str, image: NDArray[np.uint8], masks: Mapping[str, Mask]) -> dict[str, str]:
    shape = (len(one.classes), *image.shape[:2], 1)
    contents = {
        "image": (f"image/{stem}.png", _png(image)),
        "label": (f"label/{stem}.{shape}.npz", _labels(masks, one.classes)),
        "imask": (f"imask/{stem}.npy", _regions(masks)),
    }
    written = {"folder": one.folder.name}
    for role, (name, content) in contents.items():
        write_bytes(one.folder / name, content)
        written |= {role: f"{one.folder.name}/{name}", f"{role}_sha256": hashlib.sha256(content).hexdigest()}
    return written


def _png(image: NDArray[np.uint8]) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(image).convert("RGB").save(buffer, "PNG")
    return buffer.getvalue()


def _labels(masks: Mapping[str, Mask], classes: Sequence[str]) -> bytes:
    """A CSR matrix (classes, pixels) of int32, as `scipy.sparse.save_npz` stores it."""
    pixels = next(iter(masks.values())).size
    empty = sparse.csr_matrix((1, pixels), dtype=np.int32)
    rows = [sparse.csr_matrix(masks[one].reshape(1, -1), dtype=np.int32) if one in masks else empty for one in classes]
    buffer = io.BytesIO()
    sparse.save_npz(buffer, sparse.vstack(rows, format="csr"))
    return buffer.getvalue()


def _regions(masks: Mapping[str, Mask]) -> bytes:
    """The components of all masks (H, W, 1), those of later classes drawn over those of earlier ones."""
    regions = np.full(next(iter(masks.values())).shape, NO_REGION, np.int32)
    drawn = 0
    for _, mask in sorted(masks.items()):
        labels, count = components(mask)
        regions[mask] = labels[mask].astype(np.int32) - 1 + drawn
        drawn += count
    buffer = io.BytesIO()
    np.save(buffer, regions[..., None])
    return buffer.getvalue()


def _description(name: str, rows: pd.DataFrame, classes: Sequence[str]) -> dict[str, object]:
    images = rows.drop_duplicates(["case", "slice"])
    lists = {
        key: [
            {role: row[role].removeprefix(f"{row['folder']}/") for role in ("image", "label", "imask")}
            | {"patient": row["person"]}
            for row in images[images["split"] == split].to_dict("records")
        ]
        for split, key in LISTS.items()
    }
    return {
        "name": name,
        "description": "chosen by bench curate; see data-sheet.md",
        "dimension": "2D",
        "modality": {str(number): one for number, one in enumerate(sorted(set(rows["modality"])))},
        "labels": {"0": "background"} | {str(number): one for number, one in enumerate(classes, 1)},
        "numTraining": len(lists["training"]),
        "numTest": len(lists["test"]),
        **lists,
    }
