"""Masks packed to bits: what two of them have in common is counted 64 pixels at a time."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.data.case import Mask

Words = NDArray[np.uint64]
_BITS_OF_A_BYTE = np.array([number.bit_count() for number in range(256)], np.uint8)


@dataclass(frozen=True, slots=True, eq=False)
class PackedMask:
    """A mask that is packed once and compared with many others.

    Attributes:
        words: (N,) uint64, the pixels in C order; the bits behind the last pixel are 0.
        shape: of the mask.
        area: foreground pixels or voxels.
    """

    words: Words
    shape: tuple[int, ...]
    area: int


def pack(mask: Mask) -> PackedMask:
    """Pack a mask of any shape.

    Raises:
        ValueError: the array is not bool.
    """
    if mask.dtype != bool:
        raise ValueError(f"masks must be bool, got {mask.dtype}")
    packed = np.packbits(mask)
    if rest := -packed.size % 8:
        packed = np.concatenate([packed, np.zeros(rest, np.uint8)])
    words = packed.view(np.uint64)
    return PackedMask(words, mask.shape, count(words))


def common_area(one: PackedMask, other: PackedMask) -> int:
    """Foreground that two masks of one shape have in common."""
    return count(one.words & other.words)


def count_by_table(words: Words) -> int:
    """The bits that are set, for NumPy before version 2."""
    return int(_BITS_OF_A_BYTE[words.view(np.uint8)].sum())


def count_at_once(words: Words) -> int:
    """The bits that are set, by the processor's own instruction."""
    return int(np.bitwise_count(words).sum())


count = count_at_once if hasattr(np, "bitwise_count") else count_by_table
