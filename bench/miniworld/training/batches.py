"""From training samples to batches in the frame of one family's network."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from adapters import geometry
from adapters.families.small_networks import IMAGE_SIZE, MASK_SIDE
from adapters.geometry import Frame
from adapters.interface import check_image
from bench.data.slicing import stretch
from bench.miniworld.phantoms.sample import TrainingSample

OBJECTS = 4
POOL, FRESH_SHARE = 300, 0.2
FADED_SHARE = 0.35
LARGEST_SCALE = 0.9
SMALLEST_AREA_PX = 4

Sampler = Callable[[np.random.Generator], TrainingSample]
Prepare = Callable[[NDArray[np.uint8]], tuple[Tensor, Frame]]


@dataclass(frozen=True, slots=True)
class Variation:
    """How samples are varied beyond what their sampler draws.

    Attributes:
        turned: by quarter turns and mirrored.
        shrunk_share: of the samples become a part of their frame, so that objects of a few pixels are common.
        least_scale: of those samples' sides.
        either_edge: boxes end at the last pixel as often as one past it, as both are in use; else always one past it,
            where the object ends. In pictures of a hundred pixels the difference is a tenth of a small object.
    """

    turned: bool = True
    shrunk_share: float = 0.35
    least_scale: float = 0.35
    either_edge: bool = True


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """Some images and some of their objects.

    Attributes:
        images: (N, 3, 256, 256) network inputs.
        owner: (B,) index of each object's image.
        targets: (B, 1, h, w) share of each low-resolution pixel that the object covers.
        boxes: (B, 4) tight boxes in pixels of the network's input; see `Variation.either_edge`.
        names: (B) of the objects' classes.
    """

    images: Tensor
    owner: Tensor
    targets: Tensor
    boxes: Tensor
    names: tuple[str, ...] = ()


def stream(sampler: Sampler, rng: np.random.Generator) -> Iterator[TrainingSample]:
    """Endless samples, most of them from a pool that is renewed bit by bit; each is met in several variations."""
    pool: list[TrainingSample] = []
    while True:
        if len(pool) < POOL:
            pool.append(sampler(rng))
            yield pool[-1]
            continue
        place = int(rng.integers(POOL))
        if rng.random() < FRESH_SHARE:
            pool[place] = sampler(rng)
        yield pool[place]


def draw(
    samples: Iterator[TrainingSample],
    prepare: Prepare,
    images: int,
    rng: np.random.Generator,
    variation: Variation,
    objects: int = OBJECTS,
    side: int = MASK_SIDE,
) -> Batch:
    """A batch of samples, each varied at random.

    Args:
        samples: from `stream`.
        prepare: the family's pre-processing.
        images: a batch.
        rng: of the variation and of the choice of objects.
        variation: see `Variation`.
        objects: of an image, at most.
        side: h and w of the targets, a divisor of the input's.
    """
    parts = []
    for _ in range(images):
        sample = _varied(next(samples), rng, variation)
        parts.append(_one(sample, prepare, rng, objects, side, variation.either_edge))
    counts = torch.tensor([len(part.targets) for part in parts])
    return Batch(
        torch.cat([part.images for part in parts]),
        torch.repeat_interleave(torch.arange(images), counts),
        torch.cat([part.targets for part in parts]),
        torch.cat([part.boxes for part in parts]),
        tuple(name for part in parts for name in part.names),
    )


def _varied(sample: TrainingSample, rng: np.random.Generator, variation: Variation) -> TrainingSample:
    """The sample turned and mirrored; often grey and of less contrast; often small within a black frame."""
    if variation.turned:
        sample = _turned(sample, int(rng.integers(4)), bool(rng.integers(2)))
    if rng.random() < FADED_SHARE:
        sample = replace(sample, image=_faded(sample.image, rng.uniform(0.25, 1)))
    if rng.random() < variation.shrunk_share:
        sample = _shrunk(sample, rng.uniform(variation.least_scale, LARGEST_SCALE), rng)
    return sample


def _turned(sample: TrainingSample, turns: int, mirror: bool) -> TrainingSample:
    def turn(array: NDArray[Any]) -> NDArray[Any]:
        array = np.rot90(array, turns)
        return np.ascontiguousarray(array[:, ::-1] if mirror else array)

    return replace(sample, image=turn(sample.image), masks={name: turn(mask) for name, mask in sample.masks.items()})


def _faded(image: NDArray[np.uint8], contrast: float) -> NDArray[np.uint8]:
    grey = image.mean(-1) if image.ndim == 3 else image
    return (grey.mean() + contrast * (grey - grey.mean())).astype(np.uint8)


def _shrunk(sample: TrainingSample, scale: float, rng: np.random.Generator) -> TrainingSample:
    """The sample in a part of its frame; as it was if no object is left."""
    height, width = sample.image.shape[:2]
    size = round(scale * height), round(scale * width)
    top, left = (int(rng.integers(full - part + 1)) for full, part in zip((height, width), size, strict=True))
    window = slice(top, top + size[0]), slice(left, left + size[1])

    image = np.zeros_like(sample.image)
    image[window] = geometry.resize_bilinear(sample.image, size)
    masks = {name: _framed(stretch(mask, size), window, mask.shape) for name, mask in sample.masks.items()}
    visible = {name: mask for name, mask in masks.items() if mask.sum() >= SMALLEST_AREA_PX}
    return replace(sample, image=image, masks=visible) if visible else sample


def _framed(mask: NDArray[Any], window: tuple[slice, slice], size: tuple[int, ...]) -> NDArray[np.bool_]:
    framed = np.zeros(size, bool)
    framed[window] = mask
    return framed


def _one(
    sample: TrainingSample, prepare: Prepare, rng: np.random.Generator, objects: int, side: int, either_edge: bool
) -> Batch:
    image, frame = prepare(check_image(sample.image))
    found = [(name, mask) for name, mask in sample.masks.items() if mask.any()]
    names, masks = zip(*(found[index] for index in rng.permutation(len(found))[:objects]), strict=True)
    targets = torch.stack([_target(mask, frame, side) for mask in masks])
    ends = [int(rng.integers(2)) if either_edge else 1 for _ in masks]
    boxes = np.stack([frame.scale(_corners(mask, end)).reshape(4) for mask, end in zip(masks, ends, strict=True)])
    return Batch(image[None], torch.zeros(len(masks), dtype=torch.long), targets, torch.from_numpy(boxes), names)


def _target(mask: NDArray[np.bool_], frame: Frame, side: int) -> Tensor:
    cover = geometry.resize_unit(torch.from_numpy(mask)[None].float(), frame.content)
    return F.avg_pool2d(geometry.pad(cover, frame.side), IMAGE_SIZE // side)


def _corners(mask: NDArray[np.bool_], end: int) -> NDArray[np.float32]:
    """(2, 2) top-left and bottom-right x, y; the far corner `end` pixels past the last one's."""
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    return np.array([[columns[0], rows[0]], [columns[-1] + end, rows[-1] + end]], np.float32)
