"""What this machine offers: the device and the number of workers when nobody names them."""

import contextlib
import os

from bench.errors import RunError

GIB_PER_WORKER = 4  # an official ViT-B on the CPU peaks near 3 GiB


def available_device(name: str) -> str:
    """The device of that name; "auto" is the GPU if there is one.

    Raises:
        RunError: there is no such device here.
    """
    import torch

    if name == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    with contextlib.suppress(RuntimeError):
        if torch.device(name).type == "cpu" or torch.cuda.is_available():
            return name
    raise RunError(f"device {name!r} is not available here; use auto, cpu or cuda[:i]")


def worker_count(wanted: int | None, device: str) -> int:
    """The number asked for, else one per core as far as memory allows; a GPU gets one."""
    import psutil

    if wanted is not None:
        return wanted
    if device != "cpu":
        return 1
    room = int(psutil.virtual_memory().available // (GIB_PER_WORKER * 2**30))
    return max(1, min(os.cpu_count() or 1, room))
