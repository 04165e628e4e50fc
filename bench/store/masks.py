"""Masks on disk: packed to bits, many in one compressed file."""

import io
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.data.case import Mask
from bench.errors import RunError
from bench.store.files import write_bytes


@dataclass(frozen=True, slots=True, eq=False)
class MaskShard:
    """Many masks and what is known of each.

    Attributes:
        index: one mapping of plain JSON values per mask, in order.
        masks: (H, W) bool each, None where there is none (a failure).
        about: data set, case and model of all of them; file names need not tell, see `run_folder.case_path`.
    """

    index: Sequence[Mapping[str, Any]]
    masks: Sequence[Mask | None]
    about: Mapping[str, str] = field(default_factory=dict)

    def save(self, path: Path) -> None:
        """Write all masks as one compressed file; equal shards give equal bytes."""
        shapes = np.array([(0, 0) if m is None else m.shape for m in self.masks], np.int32).reshape(-1, 2)
        packed = [np.packbits(mask) for mask in self.masks if mask is not None]
        bits = np.concatenate(packed) if packed else np.zeros(0, np.uint8)
        index, about = (
            np.frombuffer(_json(value), np.uint8) for value in (list(map(dict, self.index)), dict(self.about))
        )
        buffer = io.BytesIO()
        np.savez_compressed(buffer, bits=bits, shapes=shapes, index=index, about=about)
        write_bytes(path, buffer.getvalue())

    @classmethod
    def load(cls, path: Path, about: Mapping[str, str] | None = None) -> "MaskShard":
        """Read what `save` wrote.

        Args:
            path: of the file.
            about: what the file must be of, if it says what it is of.

        Raises:
            RunError: the file is not a mask file, or of something else.
        """
        try:
            with np.load(path, allow_pickle=False) as file:
                index = json.loads(file["index"].tobytes().decode())
                found = json.loads(file["about"].tobytes().decode()) if "about" in file else {}
                masks = list(_unpack(file["bits"], file["shapes"]))
            if len(index) != len(masks) or not all(isinstance(row, dict) for row in index):
                raise ValueError(f"{len(index)} entries for {len(masks)} masks")
        except Exception as error:  # whatever NumPy and the archive raise on changed bytes
            raise RunError(f"{path} is not a mask file ({error}); delete it and resume the run") from None
        if about and found and found != about:
            raise RunError(f"{path} is of {found}, not of {dict(about)}; delete it and resume the run")
        return cls(index, masks, found)


def is_whole(path: Path, about: Mapping[str, str]) -> bool:
    """True if a shard is there and can be read; a damaged one is as good as none and is written again."""
    try:
        MaskShard.load(path, about)
    except RunError:
        return False
    return True


def _json(value: object) -> bytes:
    return json.dumps(value, sort_keys=True, allow_nan=False).encode()


def _unpack(bits: NDArray[np.uint8], shapes: NDArray[np.int32]) -> Iterator[Mask | None]:
    start = 0
    for height, width in shapes.tolist():
        if not height:
            yield None
            continue
        stop = start + (height * width + 7) // 8
        if stop > len(bits):
            raise ValueError(f"{len(bits)} bytes of masks, {stop} expected")
        yield np.unpackbits(bits[start:stop], count=height * width).reshape(height, width).astype(bool)
        start = stop
