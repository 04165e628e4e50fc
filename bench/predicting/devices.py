"""One process per GPU: which of several GPUs this process computes on."""

import os
import tempfile
from functools import cache
from pathlib import Path

from filelock import FileLock, Timeout


def gpu_count(device: str) -> int:
    """How many GPUs a device means: all that there are for "cuda", one for "cuda:1", none for "cpu"."""
    if device != "cuda":
        return int(device.startswith("cuda"))
    import torch  # noqa: PLC0415 - only asked where a GPU is wanted

    return torch.cuda.device_count()


def own_device(device: str) -> str:
    """The device of this process: for "cuda" with several GPUs, one that no other process of the run holds.

    With more processes than GPUs they share them evenly enough: by process number.
    """
    count = gpu_count(device)
    if device != "cuda" or count < 2:
        return device
    return f"cuda:{_claimed(count, Path(tempfile.gettempdir()), os.getppid())}"


@cache
def _claimed(count: int, folder: Path, run: int) -> int:
    """The first index below `count` that no other process holds for this run; it is held until this process ends."""
    for index in range(count):
        lock = FileLock(folder / f"segmote-bench-{run}-gpu-{index}.lock")
        try:
            lock.acquire(timeout=0)
        except Timeout:
            continue
        _held.append(lock)
        return index
    return os.getpid() % count


_held: list[FileLock] = []
