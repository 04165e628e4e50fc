"""Batching: requests for different images are grouped so that one decoder pass can take each group."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Protocol, TypeAlias, TypeVar

import numpy as np
import torch

from adapters.geometry import Frame
from adapters.interface import Prediction, Prompt
from adapters.passes import Passes
from adapters.pinned import to_device

IMAGES_PER_PASS = 8
PIXELS_PER_PASS = {"cpu": IMAGES_PER_PASS * 256**2, "cuda": 4 * 1024**2}
# SAM's mask input and output have four times the side of the embedding.
MASK_SCALE = 4
# On a CPU four together are as fast as eight and take half the memory; see docs/performance.md.
OBJECTS_PER_PASS = {"cpu": 4, "cuda": 64}


class EncodedImage(Protocol):
    """An encoded image that knows how it lies in the network's input."""

    @property
    def frame(self) -> Frame:
        """Where the image lies in the network's input."""
        ...

    @property
    def embedding(self) -> torch.Tensor:
        """(C, h, w) features."""
        ...


T = TypeVar("T")
E = TypeVar("E", bound=EncodedImage)
Request: TypeAlias = tuple[E, Prompt]
# Number of points, whether there is a box, whether there is a previous mask.
Kind: TypeAlias = tuple[int, bool, bool]


@dataclass(frozen=True, slots=True, eq=False)
class PromptBatch:
    """Prompts of one kind for B objects, in the network's frame.

    Attributes:
        points: (B, N, 2) float32 coordinates and (B, N) int32 labels, or None.
        boxes: (B, 4) float32, or None.
        masks: (B, 1, h, w) float32, or None.
    """

    points: tuple[torch.Tensor, torch.Tensor] | None
    boxes: torch.Tensor | None
    masks: torch.Tensor | None

    @property
    def tensors(self) -> tuple[torch.Tensor | None, ...]:
        """Coordinates, labels, boxes and masks."""
        return *(self.points or (None, None)), self.boxes, self.masks


def encoder_passes(side: int, device: torch.device) -> Passes:
    """Passes of images, small enough for an encoder whose input is `side` x `side` pixels."""
    budget = PIXELS_PER_PASS.get(device.type, PIXELS_PER_PASS["cpu"])
    return Passes(max(1, min(IMAGES_PER_PASS, budget // side**2)))


def decoder_passes(device: torch.device) -> Passes:
    """Passes of objects through a decoder."""
    return Passes(OBJECTS_PER_PASS.get(device.type, OBJECTS_PER_PASS["cpu"]))


def is_ambiguous(prompt: Prompt) -> bool:
    """True for a single foreground click, which may mean a part or the whole."""
    if prompt.points is None or prompt.box is not None or prompt.previous is not None:
        return False
    return list(prompt.points.labels) == [1]


def decode_batches(
    requests: Sequence[Request[E]],
    several: Sequence[bool],
    passes: Passes,
    decode: Callable[[Sequence[Request[E]], bool], Sequence[Prediction]],
) -> list[Prediction]:
    """Decode requests of one kind together and return the predictions in the order of the requests.

    Args:
        requests: any mix of images and prompts.
        several: per request, whether the network proposes several candidates.
        passes: how many objects go together.
        decode: decodes requests of one kind: equal numbers of points, boxes and masks.
    """
    groups: dict[tuple[Kind, bool], list[int]] = {}
    for row, ((_, prompt), many) in enumerate(zip(requests, several, strict=True)):
        groups.setdefault((_kind(prompt), many), []).append(row)
    done: dict[int, Prediction] = {}
    for (_, many), group in groups.items():
        for rows in _by_image(group, requests, passes.most):
            predictions = passes.through([requests[row] for row in rows], partial(_in_one_pass, decode, many))
            done.update(zip(rows, predictions, strict=True))
    return [done[row] for row in range(len(requests))]


def _by_image(group: Sequence[int], requests: Sequence[Request[E]], most: int) -> tuple[list[int], list[int]]:
    """Rows that fill passes with prompts on one image, which share a part of the work, and the other rows."""
    images: dict[int, list[int]] = {}
    for row in group:
        images.setdefault(id(requests[row][0]), []).append(row)
    whole = [row for rows in images.values() for row in rows[: len(rows) // most * most]]
    return whole, [row for rows in images.values() for row in rows[len(rows) // most * most :]]


def _in_one_pass(
    decode: Callable[[Sequence[Request[E]], bool], Sequence[Prediction]], many: bool, requests: Sequence[Request[E]]
) -> Sequence[Prediction]:
    return decode(requests, many)


def _kind(prompt: Prompt) -> Kind:
    points = 0 if prompt.points is None else len(prompt.points.xy)
    return points, prompt.box is not None, prompt.previous is not None


def stack_images(features: Sequence[torch.Tensor]) -> torch.Tensor:
    """Features (C, h, w) of each request's image as (B, C, h, w), or as (1, C, h, w) if all are of one image."""
    first = features[0]
    return first[None] if all(one is first for one in features) else torch.stack(list(features))


def stack_prompts(requests: Sequence[Request[E]], device: torch.device) -> PromptBatch:
    """Prompts of one kind as tensors in the network's frame.

    Args:
        requests: all with the same number of points, boxes and masks.
        device: of the tensors.

    Raises:
        ValueError: a previous mask that is neither (h, w) nor (1, h, w) of the size of the image's embedding times 4.
    """
    points, box, mask = _kind(requests[0][1])
    return PromptBatch(
        points=_points(requests, device) if points else None,
        boxes=_boxes(requests, device) if box else None,
        masks=to_device(torch.stack([_previous(*request) for request in requests]), device) if mask else None,
    )


def _points(requests: Sequence[Request[E]], device: torch.device) -> tuple[torch.Tensor, torch.Tensor]:
    given = [(encoded.frame, prompt.points) for encoded, prompt in requests if prompt.points is not None]
    xy = np.stack([frame.scale(points.xy) for frame, points in given])
    labels = np.stack([points.labels.astype(np.int32) for _, points in given])
    return to_device(torch.from_numpy(xy), device), to_device(torch.from_numpy(labels), device)


def _boxes(requests: Sequence[Request[E]], device: torch.device) -> torch.Tensor:
    given = [(encoded.frame, prompt.box) for encoded, prompt in requests if prompt.box is not None]
    boxes = np.stack([frame.scale(box.reshape(2, 2)).reshape(4) for frame, box in given])
    return to_device(torch.from_numpy(boxes), device)


def _previous(encoded: EncodedImage, prompt: Prompt) -> torch.Tensor:
    height, width = encoded.embedding.shape[-2:]
    size = (MASK_SCALE * height, MASK_SCALE * width)
    previous = torch.as_tensor(prompt.previous, dtype=torch.float32)
    if tuple(previous.shape) not in (size, (1, *size)):
        raise ValueError(f"previous mask must be {size} or {(1, *size)}, got shape {tuple(previous.shape)}")
    return previous.reshape(1, *size)
