"""Each case is read once: its slices are kept in the run folder while the run goes on, for all models and stages.

A case is one Arrow file with a batch per slice: the image as it is shown to models, and the masks packed to bits. The
file is mapped into memory slice by slice, so that a long volume takes no more memory than a short one. Files of a run
that was killed are not used, since the data may have changed since; see `files.temporary_folder`.
"""

import os
import shutil
from collections.abc import Container, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from bench.data import catalogue, slicing
from bench.data.case import Item
from bench.data.slicing import Plane, SliceGrid
from bench.protocols import Protocol
from bench.store.files import partial_path
from bench.store.run_folder import slices_path

SHARE_OF_FREE = 0.25  # of the free disk space that one case may take; a larger one is read again for each model
SCHEMA = pa.schema(
    {
        "slice": pa.int64(),
        "spacing_mm": pa.list_(pa.float64()),
        "slice_mm": pa.float64(),
        "slices": pa.int64(),
        "shape": pa.list_(pa.int64()),
        "image": pa.large_binary(),
        "targets": pa.list_(pa.string()),
        "masks": pa.list_(pa.large_binary()),
    }
)


def planes(
    run: Path,
    item: Item,
    protocol: Protocol,
    everything: bool,
    wanted: Container[int] | None = None,
    keeping: bool = False,
) -> Iterator[Plane]:
    """The slices of a case: those that are kept, else from the data.

    Args:
        run: the run folder.
        item: the case.
        protocol, everything: see `slicing.planes`; slices that are kept have all targets that they were kept with.
        wanted: indices of slices, None for all.
        keeping: whether slices that come from the data are kept for the next time.

    Raises:
        DataError: see `catalogue.read` and `slicing.planes`.
    """
    path = slices_path(run, item.dataset, item.case)
    if path.exists():
        yield from _read(path, wanted)
        return
    cut = slicing.planes(catalogue.read(item), protocol, everything)
    for one in keep(run, item, cut) if keeping else cut:
        if wanted is None or one.grid.slice in wanted:
            yield one


def keep(run: Path, item: Item, cut: Iterable[Plane]) -> Iterator[Plane]:
    """The slices one by one, kept on the way; after the last one the case can be read from here.

    Nothing is kept where the disk is too full, see `SHARE_OF_FREE`.
    """
    path = slices_path(run, item.dataset, item.case)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = partial_path(path)
    room = SHARE_OF_FREE * shutil.disk_usage(path.parent).free
    size = 0
    try:
        with pa.OSFile(str(partial), "wb") as sink, pa.ipc.new_file(sink, SCHEMA) as writer:
            for one in cut:
                if size <= room:
                    batch = _batch(one)
                    writer.write_batch(batch)
                    size += batch.nbytes
                yield one
        if size <= room:
            os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)


def _batch(one: Plane) -> pa.RecordBatch:
    row: dict[str, Any] = {
        "slice": one.grid.slice,
        "spacing_mm": list(map(float, one.grid.spacing_mm)),
        "slice_mm": one.grid.slice_mm,
        "slices": one.grid.slices,
        "shape": one.image.shape,
        "image": one.image.tobytes(),
        "targets": list(one.masks),
        "masks": [np.packbits(mask).tobytes() for mask in one.masks.values()],
    }
    return pa.RecordBatch.from_pylist([row], schema=SCHEMA)


def _read(path: Path, wanted: Container[int] | None) -> Iterator[Plane]:
    with pa.memory_map(str(path)) as file:
        count = pa.ipc.open_file(file).num_record_batches
    for number in range(count):
        with pa.memory_map(str(path)) as file:  # mapped anew for each slice: pages that were read are given back
            batch = pa.ipc.open_file(file).get_batch(number)
            if wanted is None or batch["slice"][0].as_py() in wanted:
                yield _plane(batch)


def _plane(batch: pa.RecordBatch) -> Plane:
    known = {name: batch[name][0].as_py() for name in SCHEMA.names if name not in ("image", "masks")}
    shape, rows_columns = tuple(known["shape"]), tuple(known["shape"][:2])
    image = np.frombuffer(batch["image"][0].as_buffer(), np.uint8).reshape(shape).copy()
    packed = (np.frombuffer(bits.as_buffer(), np.uint8) for bits in batch["masks"][0].values)
    area = rows_columns[0] * rows_columns[1]
    masks = (np.unpackbits(bits, count=area).view(bool).reshape(rows_columns) for bits in packed)
    grid = SliceGrid(known["slice"], tuple(known["spacing_mm"]), known["slice_mm"], known["slices"])
    return Plane(grid, image, dict(zip(known["targets"], masks, strict=True)))
