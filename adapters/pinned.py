"""Tensors on their way to a GPU and back through page-locked memory, so that the processor does not wait for a copy.

PyTorch keeps page-locked blocks and hands one out again only when the copies from it are over. The next picture is
therefore written to another block while the last one is still on its way: two buffers in turn, or more if need be.
"""

from collections.abc import Callable

import torch


def to_device(values: torch.Tensor, device: torch.device) -> torch.Tensor:
    """Values on a device; on the way to a GPU nobody waits for them, and those that are there already stay."""
    if device.type == "cuda" and values.device.type == "cpu":
        return values.pin_memory().to(device, non_blocking=True)
    return values.to(device)


def begin_to_host(values: torch.Tensor) -> Callable[[], torch.Tensor]:
    """Begin to copy values from a GPU; the function that is returned waits until they are here and returns them."""
    if values.device.type != "cuda":
        return values.cpu
    here = torch.empty(values.shape, dtype=values.dtype, pin_memory=True)
    here.copy_(values, non_blocking=True)
    arrived = torch.cuda.Event()
    arrived.record(torch.cuda.current_stream(values.device))

    def awaited() -> torch.Tensor:
        arrived.synchronize()
        return here

    return awaited
