"""Masks on their way from a device to this process: packed to bits there, and unpacked while others are on the way."""

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from bench.data.case import Mask

if TYPE_CHECKING:
    import torch

MASKS_AT_ONCE = 64


def to_host(masks: Sequence["torch.Tensor"]) -> list[Mask]:
    """Masks as NumPy arrays; a device is waited for once per 64 masks of a shape, not once per mask.

    Args:
        masks: (H, W) bool, of any shapes and all on one device.

    Returns:
        In the order given.
    """
    if not masks or masks[0].device.type == "cpu":
        return [mask.numpy() for mask in masks]
    return begin_to_host(masks)()


def begin_to_host(masks: Sequence["torch.Tensor"]) -> Callable[[], list[Mask]]:
    """Pack masks on their device and begin to fetch them: an eighth of the bytes.

    Args:
        masks: as for `to_host`.

    Returns:
        A function that waits for the masks, part by part, and returns them in the order given.
    """
    from adapters import pinned  # noqa: PLC0415 - a run that is finished already loads no torch

    begun = [
        (places, masks[places[0]].shape, pinned.begin_to_host(_pack([masks[place] for place in places])))
        for places in _parts(masks)
    ]

    def arrived() -> list[Mask]:
        found: dict[int, Mask] = {}
        for places, shape, bits in begun:
            whole = np.unpackbits(bits().numpy(), axis=1, count=shape.numel()).view(bool)
            found |= {place: mask.reshape(shape) for place, mask in zip(places, whole, strict=True)}
        return [found[place] for place in sorted(found)]

    return arrived


def _parts(masks: Sequence["torch.Tensor"]) -> Iterator[list[int]]:
    """Places of masks of one shape that travel together."""
    by_shape: dict[tuple[int, ...], list[int]] = {}
    for place, mask in enumerate(masks):
        by_shape.setdefault(tuple(mask.shape), []).append(place)
    for places in by_shape.values():
        for first in range(0, len(places), MASKS_AT_ONCE):
            yield places[first : first + MASKS_AT_ONCE]


def _pack(masks: Sequence["torch.Tensor"]) -> "torch.Tensor":
    """(N, bytes) uint8 of N masks of one shape, the first pixel in the highest bit, as `numpy.packbits` has it."""
    import torch  # noqa: PLC0415 - a run that is finished already loads no torch

    flat = torch.stack([mask.flatten() for mask in masks])
    flat = torch.nn.functional.pad(flat, (0, -flat.shape[1] % 8)).unflatten(1, (-1, 8))
    values = (2 ** torch.arange(7, -1, -1, device=flat.device)).to(torch.uint8)
    packed: torch.Tensor = (flat * values).sum(-1, dtype=torch.uint8)
    return packed


def all_finite(groups: Sequence[tuple["torch.Tensor", ...]]) -> list[bool]:
    """Whether the tensors of each group hold nothing but finite numbers; a device is waited for once."""
    import torch  # noqa: PLC0415 - see above

    found = [torch.stack([part.isfinite().all() for part in parts]).all() for parts in groups]
    flags: list[bool] = torch.stack(found).tolist() if found else []
    return flags
