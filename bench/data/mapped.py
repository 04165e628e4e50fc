"""Arrays as large as a scan, kept in temporary files that are mapped into memory, and gone through piece by piece.

A mapped page counts as memory of this process only from when it is touched until it is given back, and its content
stays in the file. Whoever goes through a scan in pieces therefore holds one piece of it, however long the scan is.
Arrays that are small are ordinary ones; nobody needs to know which kind an array is.
"""

import mmap
import shutil
import tempfile
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

SMALL_BYTES = 2**25  # an array below is kept in memory
PIECE_BYTES = 2**23
SHARE_OF_FREE = 0.1  # of the disk's free space that one array may take

Array = NDArray[Any]


def zeros(like: Array, dtype: Any) -> Array:
    """An array of zeros with the shape and the order of axes in memory of another one."""
    axes = np.argsort([-abs(stride) for stride in like.strides], kind="stable")
    shape = tuple(like.shape[axis] for axis in axes)
    size = int(np.prod(shape, dtype=np.int64)) * np.dtype(dtype).itemsize
    if not is_mapped(size):
        made = np.zeros(shape, dtype)
    else:
        with tempfile.TemporaryFile() as file:  # the mapping outlives the name and the descriptor
            file.truncate(size)
            made = np.asarray(np.memmap(file, dtype, "r+", shape=shape))
    return made.transpose(np.argsort(axes))


def is_mapped(size: int) -> bool:
    """Whether an array of so many bytes is kept in a file: it is large, and the folder of temporary files has room.

    Room is looked for beforehand, as a process that writes into a mapped file on a full disk is killed.
    """
    return size >= SMALL_BYTES and size <= SHARE_OF_FREE * shutil.disk_usage(tempfile.gettempdir()).free


def pieces(*arrays: Array) -> Iterator[tuple[Array, ...]]:
    """Views of the same part of several arrays of one shape, part after part; those before are given back.

    The parts follow one another along the axis that lies farthest apart in the memory of the first array.
    """
    first = arrays[0]
    if first.nbytes <= PIECE_BYTES or not first.ndim:
        yield arrays
        return
    axis = int(np.argmax(np.abs(first.strides)))
    count = max(1, PIECE_BYTES * first.shape[axis] // first.nbytes)
    for start in range(0, first.shape[axis], count):
        part = (*[slice(None)] * axis, slice(start, start + count))
        yield tuple(array[part] for array in arrays)
        for array in arrays:
            release(array)


def release(array: Array) -> None:
    """Give back the pages of an array that is mapped; they are read from the file again when they are touched."""
    base: Any = array
    while isinstance(base, np.ndarray):
        base = base.base
    if isinstance(base, mmap.mmap) and hasattr(mmap, "MADV_DONTNEED"):
        base.madvise(mmap.MADV_DONTNEED)


def converted(values: Array, function: Callable[[Array], Array], dtype: Any) -> Array:
    """What a function makes of each piece of an array, as one array of its shape."""
    made = zeros(values, dtype)
    for part, place in pieces(values, made):
        if (new := function(part)).any():  # what is zero already need not be written
            place[...] = new
    return made


def count(values: Array, function: Callable[[Array], Array]) -> int:
    """For how many elements a function of each piece is true."""
    return sum(int(np.count_nonzero(function(part))) for (part,) in pieces(values))


def holds(values: Array, function: Callable[[Array], Array]) -> bool:
    """Whether a function of each piece is true for any element; it stops at the first."""
    return any(bool(function(part).any()) for (part,) in pieces(values))


def limits(values: Array) -> tuple[Any, Any]:
    """The lowest and the highest element of an array that is not empty."""
    found = [(part.min(), part.max()) for (part,) in pieces(values)]
    return min(low for low, _ in found), max(high for _, high in found)
