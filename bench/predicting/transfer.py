"""Masks on their way from a device to this process: packed to bits there, and all in one transfer."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from bench.data.case import Mask

if TYPE_CHECKING:
    import torch


def to_host(masks: Sequence["torch.Tensor"]) -> list[Mask]:
    """Masks as NumPy arrays; a device is waited for once per shape, not once per mask.

    Args:
        masks: (H, W) bool, of any shapes and all on one device.

    Returns:
        In the order given.
    """
    if not masks or masks[0].device.type == "cpu":
        return [mask.numpy() for mask in masks]
    return packed_to_host(masks)


def packed_to_host(masks: Sequence["torch.Tensor"]) -> list[Mask]:
    """What `to_host` does for masks that are not in this process' memory: an eighth of the bytes."""
    found: dict[int, Mask] = {}
    for shape in dict.fromkeys(tuple(mask.shape) for mask in masks):
        places = [place for place, mask in enumerate(masks) if tuple(mask.shape) == shape]
        bits = _pack([masks[place] for place in places]).cpu().numpy()
        whole = np.unpackbits(bits, axis=1, count=shape[0] * shape[1]).view(bool)
        found |= {place: mask.reshape(shape) for place, mask in zip(places, whole, strict=True)}
    return [found[place] for place in range(len(masks))]


def _pack(masks: Sequence["torch.Tensor"]) -> "torch.Tensor":
    """(N, bytes) uint8 of N masks of one shape, the first pixel in the highest bit, as `numpy.packbits` has it."""
    import torch  # noqa: PLC0415 - a run that is finished already loads no torch

    flat = torch.stack([mask.flatten() for mask in masks])
    flat = torch.nn.functional.pad(flat, (0, -flat.shape[1] % 8)).unflatten(1, (-1, 8))
    values = torch.tensor([1 << bit for bit in range(7, -1, -1)], dtype=torch.uint8, device=flat.device)
    packed: torch.Tensor = (flat * values).sum(-1, dtype=torch.uint8)
    return packed


def all_finite(groups: Sequence[tuple["torch.Tensor", ...]]) -> list[bool]:
    """Whether the tensors of each group hold nothing but finite numbers; a device is waited for once."""
    import torch  # noqa: PLC0415 - see above

    found = [torch.stack([part.isfinite().all() for part in parts]).all() for parts in groups]
    flags: list[bool] = torch.stack(found).tolist() if found else []
    return flags
