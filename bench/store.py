"""The files of a run folder: masks packed to bits, written whole or not at all."""

import io
import json
import os
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote
from zipfile import BadZipFile

import numpy as np
from filelock import FileLock, Timeout
from numpy.typing import NDArray

from bench.cases import Mask

DAMAGED = (OSError, EOFError, KeyError, TypeError, ValueError, RuntimeError, MemoryError, zlib.error, BadZipFile)


class RunError(RuntimeError):
    """A run folder that cannot be used as asked; the text says why and what to do."""


@contextmanager
def one_writer(folder: Path) -> Iterator[None]:
    """Hold the run folder for this process alone.

    Raises:
        RunError: another process is writing there.
    """
    folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder / ".lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise RunError(f"{folder} is being written by another run; wait for it or choose another --out") from None
    try:
        for rest in folder.rglob("*.part"):  # of a run that was killed while writing
            rest.unlink()
        yield
    finally:
        lock.release()


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file so that it is there whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        partial.write_bytes(content)
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)


def write_json(path: Path, value: object) -> None:
    """Write JSON, sorted and indented; NaN is an error, undefined values are null."""
    text = json.dumps(value, indent=2, sort_keys=True, allow_nan=False, default=str)
    write_bytes(path, (text + "\n").encode())


def read_json(path: Path) -> Any:
    """Read a JSON file."""
    return json.loads(path.read_text())


def targets_path(run: Path, dataset: str, case: str) -> Path:
    """Where the targets of a case are kept; odd characters of its id are percent-encoded."""
    return run / "targets" / quote(dataset, safe="") / f"{quote(case, safe='')}.npz"


def predictions_path(run: Path, model: str, dataset: str, case: str) -> Path:
    """Where what a model drew on a case is kept."""
    folder = run / "predictions" / model.replace("/", "--") / quote(dataset, safe="")
    return folder / f"{quote(case, safe='')}.npz"


def candidates_path(run: Path, model: str, dataset: str, case: str) -> Path:
    """Where the candidates are kept that a model proposed and did not select; absent if there are none.

    A mask shard whose index rows have `entry`, the row of the predictions' index it belongs to, `candidate`, its place
    among the model's candidates, and `score`, the model's own. The selected candidate is the prediction itself.
    """
    return run / "candidates" / predictions_path(run, model, dataset, case).relative_to(run / "predictions")


@dataclass(frozen=True, slots=True, eq=False)
class MaskShard:
    """Many masks and what is known of each.

    Attributes:
        index: one mapping of plain JSON values a mask, in order.
        masks: (H, W) bool each, None where there is none (a failure).
    """

    index: Sequence[Mapping[str, Any]]
    masks: Sequence[Mask | None]

    def save(self, path: Path) -> None:
        """Write all masks as one compressed file; equal shards give equal bytes."""
        shapes = np.array([(0, 0) if m is None else m.shape for m in self.masks], np.int32).reshape(-1, 2)
        packed = [np.packbits(mask) for mask in self.masks if mask is not None]
        bits = np.concatenate(packed) if packed else np.zeros(0, np.uint8)
        text = json.dumps([dict(row) for row in self.index], sort_keys=True, allow_nan=False)
        buffer = io.BytesIO()
        np.savez_compressed(buffer, bits=bits, shapes=shapes, index=np.frombuffer(text.encode(), np.uint8))
        write_bytes(path, buffer.getvalue())

    @classmethod
    def load(cls, path: Path) -> "MaskShard":
        """Read what `save` wrote.

        Raises:
            RunError: the file is not a mask file.
        """
        try:
            with np.load(path, allow_pickle=False) as file:
                index = json.loads(file["index"].tobytes().decode())
                return cls(index, list(_unpack(file["bits"], file["shapes"])))
        except DAMAGED as error:
            raise RunError(f"{path} is not a mask file ({error}); delete it and resume the run") from None


def _unpack(bits: NDArray[np.uint8], shapes: NDArray[np.int32]) -> Iterator[Mask | None]:
    start = 0
    for height, width in shapes.tolist():
        if not height:
            yield None
            continue
        stop = start + (height * width + 7) // 8
        yield np.unpackbits(bits[start:stop], count=height * width).reshape(height, width).astype(bool)
        start = stop
