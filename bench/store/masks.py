"""Masks on disk: packed to bits, many in one compressed file."""

import io
import json
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from bench.data.case import Mask
from bench.errors import RunError
from bench.store.files import write_bytes

DAMAGED = (OSError, EOFError, KeyError, TypeError, ValueError, RuntimeError, MemoryError, zlib.error, BadZipFile)


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
