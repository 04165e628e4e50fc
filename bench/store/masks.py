"""Masks on disk: packed to bits, many in one compressed file."""

import io
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

from bench.data.case import Mask
from bench.errors import RunError
from bench.store.files import write_bytes


class PackedMasks(Sequence[Mask | None]):
    """Masks in an eighth of their memory: kept as bits, and unpacked one by one as they are asked for."""

    def __init__(self, masks: Iterable[Mask | None] = ()) -> None:
        self._bits = bytearray()
        self._shapes: list[tuple[int, int]] = []
        self._starts = [0]
        for mask in masks:
            self.append(mask)

    @classmethod
    def of(cls, bits: NDArray[np.uint8], shapes: NDArray[np.int32]) -> "PackedMasks":
        """Masks that were packed before.

        Args:
            bits: all masks, one after another, each from a byte of its own on.
            shapes: (N, 2) of the masks; (0, 0) where there is none.

        Raises:
            ValueError: fewer bits than the shapes ask for.
        """
        made = cls()
        made._bits += bits.tobytes()
        made._shapes = [(height, width) for height, width in shapes.tolist()]
        made._starts += np.cumsum([_bytes(shape) for shape in made._shapes], dtype=int).tolist()
        if made._starts[-1] > len(bits):
            raise ValueError(f"{len(bits)} bytes of masks, {made._starts[-1]} expected")
        return made

    def append(self, mask: Mask | None) -> None:
        """Add one (H, W) bool mask, or None where there is none (a failure)."""
        if mask is not None:
            self._bits += np.packbits(mask).data
        self._shapes.append((0, 0) if mask is None else (mask.shape[0], mask.shape[1]))
        self._starts.append(len(self._bits))

    def extend(self, other: "PackedMasks") -> None:
        """Add all masks of another one."""
        self._starts += [len(self._bits) + start for start in other._starts[1:]]
        self._shapes += other._shapes
        self._bits += other._bits

    def __len__(self) -> int:
        return len(self._shapes)

    @overload
    def __getitem__(self, index: int) -> Mask | None: ...
    @overload
    def __getitem__(self, index: slice) -> "PackedMasks": ...
    def __getitem__(self, index: int | slice) -> "Mask | PackedMasks | None":
        """The mask at a place; those of a slice stay packed."""
        if isinstance(index, slice):
            return PackedMasks(self[place] for place in range(len(self))[index])
        shape, start = self._shapes[index], self._starts[range(len(self))[index]]
        if not shape[0]:
            return None
        bits = np.frombuffer(self._bits, np.uint8, _bytes(shape), start)
        return np.unpackbits(bits, count=shape[0] * shape[1]).view(bool).reshape(shape)

    @property
    def bits(self) -> NDArray[np.uint8]:
        """All masks, one after another, each from a byte of its own on."""
        return np.frombuffer(self._bits, np.uint8)

    @property
    def shapes(self) -> NDArray[np.int32]:
        """(N, 2), (0, 0) where there is no mask."""
        return np.array(self._shapes, np.int32).reshape(-1, 2)


def _bytes(shape: tuple[int, int]) -> int:
    return (shape[0] * shape[1] + 7) // 8


@dataclass(frozen=True, slots=True, eq=False)
class MaskShard:
    """Many masks and what is known of each.

    Attributes:
        index: one mapping of plain JSON values per mask, in order.
        masks: (H, W) bool each, None where there is none (a failure); packed to bits after `load`.
        about: data set, case and model of all of them; file names need not tell, see `run_folder.case_path`.
    """

    index: Sequence[Mapping[str, Any]]
    masks: Sequence[Mask | None]
    about: Mapping[str, str] = field(default_factory=dict)

    def save(self, path: Path) -> None:
        """Write all masks as one compressed file; equal shards give equal bytes."""
        masks = self.masks if isinstance(self.masks, PackedMasks) else PackedMasks(self.masks)
        index, about = (
            np.frombuffer(_json(value), np.uint8) for value in (list(map(dict, self.index)), dict(self.about))
        )
        buffer = io.BytesIO()
        np.savez_compressed(buffer, bits=masks.bits, shapes=masks.shapes, index=index, about=about)
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
                masks = PackedMasks.of(file["bits"], file["shapes"])
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
