"""What this machine offers: the device and the number of workers when nobody names them."""

import contextlib
import os
import sys
from collections.abc import Sequence

from bench.errors import RunError

# Measured peaks of a process: 0.95 GiB with SAM's mini (0.6 of it libraries), 3 GiB with an official ViT-B of 94
# million parameters at 1024 px, whose activations outweigh its weights.
GIB_OF_LIBRARIES, GIB_PER_MILLION_PARAMETERS = 1.0, 0.021

GPU_DEVICES = ("/dev/nvidiactl", "/dev/nvidia0", "/dev/kfd", "/dev/dxg")


def available_device(name: str) -> str:
    """The device of that name; "auto" is the GPU if there is one.

    Raises:
        RunError: there is no such device here.
    """
    if name == "cpu" or (name == "auto" and no_gpu_driver()):
        return "cpu"
    import torch

    if name == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    with contextlib.suppress(RuntimeError):
        if torch.device(name).type == "cpu" or torch.cuda.is_available():
            return name
    raise RunError(f"device {name!r} is not available here; use auto, cpu or cuda[:i]")


def no_gpu_driver() -> bool:
    """True if this system surely has no driver of a GPU, which is known in a moment and without torch.

    On Linux a driver shows as a device: NVIDIA's, AMD's, or that of Windows' subsystem.
    """
    return sys.platform == "linux" and not any(map(os.path.exists, GPU_DEVICES))


def worker_gib(parameters: int) -> float:
    """Memory that a process needs for a network with so many parameters on the CPU, in GiB.

    Example:
        >>> round(worker_gib(94_000_000), 1)
        3.0
    """
    return GIB_OF_LIBRARIES + GIB_PER_MILLION_PARAMETERS * parameters / 1e6


def worker_count(wanted: int | None, device: str, parameters: Sequence[int]) -> int:
    """The number asked for, else one per GPU, or one per core as far as memory allows.

    Args:
        wanted: by the user.
        device: of the networks.
        parameters: how many each of the run's networks has; one network is in memory at a time.
    """
    import psutil

    if wanted is not None:
        return wanted
    if device != "cpu":
        from bench.predicting.devices import gpu_count

        return max(1, gpu_count(device))
    room = int(psutil.virtual_memory().available / 2**30 / worker_gib(max(parameters, default=0)))
    return max(1, min(os.cpu_count() or 1, room))
