"""Masks on disk: packed to bits, many in one compressed file."""

import io
import json
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, overload

import numpy as np
from isal import isal_zlib
from numpy.typing import NDArray

from bench.data.case import Mask
from bench.errors import RunError
from bench.store.files import write_bytes

BITS = "bits.npy"  # the masks in the archive of a shard
READ_BYTES = 2**20


class PackedMasks(Sequence[Mask | None]):
    """Masks in little memory: kept as bits that are compressed one by one, and unpacked as they are asked for."""

    def __init__(self, masks: Iterable[Mask | None] = ()) -> None:
        self._parts: list[bytes] = []
        self._shapes: list[tuple[int, int]] = []
        for mask in masks:
            self.append(mask)

    @classmethod
    def read(cls, stored: IO[bytes], shapes: NDArray[np.int32]) -> "PackedMasks":
        """Masks from a stream of bits, one after another, each from a byte of its own on.

        Args:
            stored: is read to its end.
            shapes: (N, 2) of the masks; (0, 0) where there is none.

        Raises:
            ValueError: fewer bits than the shapes ask for.
        """
        made = cls()
        for height, width in shapes.tolist():
            bits = stored.read(_bytes((height, width)))
            if len(bits) < _bytes((height, width)):
                raise ValueError(f"the bits end in mask {len(made) + 1} of {len(shapes)}")
            made._add(bits, (height, width))
        while stored.read(READ_BYTES):  # an archive compares its checksum at the end
            pass
        return made

    def append(self, mask: Mask | None) -> None:
        """Add one (H, W) bool mask, or None where there is none (a failure)."""
        if mask is None:
            self._add(b"", (0, 0))
        else:
            self._add(np.packbits(mask), (mask.shape[0], mask.shape[1]))

    def _add(self, bits: Any, shape: tuple[int, int]) -> None:
        self._parts.append(isal_zlib.compress(bits, 1) if len(bits) else b"")
        self._shapes.append(shape)

    def extend(self, other: "PackedMasks") -> None:
        """Add all masks of another one."""
        self._parts += other._parts
        self._shapes += other._shapes

    def __len__(self) -> int:
        return len(self._shapes)

    @overload
    def __getitem__(self, index: int) -> Mask | None: ...
    @overload
    def __getitem__(self, index: slice) -> "PackedMasks": ...
    def __getitem__(self, index: int | slice) -> "Mask | PackedMasks | None":
        """The mask at a place; those of a slice stay packed."""
        if isinstance(index, slice):
            made = PackedMasks()
            made._parts, made._shapes = self._parts[index], self._shapes[index]
            return made
        shape = self._shapes[index]
        if not shape[0]:
            return None
        bits = np.frombuffer(_expanded(self._parts[index]), np.uint8)
        return np.unpackbits(bits, count=shape[0] * shape[1]).view(bool).reshape(shape)

    @property
    def nbytes(self) -> int:
        """Bytes of memory that the compressed masks take."""
        return sum(map(len, self._parts))

    @property
    def shapes(self) -> NDArray[np.int32]:
        """(N, 2), (0, 0) where there is no mask."""
        return np.array(self._shapes, np.int32).reshape(-1, 2)

    def write(self, stored: IO[bytes]) -> None:
        """Write what `read` reads, as one array of NumPy's format."""
        size = sum(map(_bytes, self._shapes))
        header = {"descr": "|u1", "fortran_order": False, "shape": (size,)}
        np.lib.format.write_array_header_1_0(stored, header)
        for part in self._parts:
            stored.write(_expanded(part))


def _expanded(part: bytes) -> bytes:
    return isal_zlib.decompress(part) if part else b""


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
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:  # as np.savez_compressed, mask by mask
            with archive.open(BITS, "w", force_zip64=True) as stored:
                masks.write(stored)
            for name, array in (("shapes", masks.shapes), ("index", index), ("about", about)):
                with archive.open(f"{name}.npy", "w", force_zip64=True) as stored:
                    np.lib.format.write_array(stored, array, allow_pickle=False)
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
                with file.zip.open(BITS) as stored:
                    _require_bytes(stored)
                    masks = PackedMasks.read(stored, file["shapes"])
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


def _require_bytes(stored: IO[bytes]) -> None:
    """Read the header of an array of NumPy's format, which must be of bytes."""
    np.lib.format.read_magic(stored)
    _, _, kind = np.lib.format.read_array_header_1_0(stored)
    if kind != np.uint8:
        raise ValueError(f"masks of {kind}, expected bytes")


def _json(value: object) -> bytes:
    return json.dumps(value, sort_keys=True, allow_nan=False).encode()
