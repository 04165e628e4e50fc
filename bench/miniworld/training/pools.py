"""Pools of pictures that were rendered once, at the size of the mini networks' input.

Drawing a phantom takes longer than a training step can spare, so a few thousand are kept in the cache folder, in files
of some hundred pictures: images as uint8, masks with one bit per pixel. A file that exists is not made again.
"""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pooch
from numpy.typing import NDArray
from PIL import Image

from bench import workers
from bench.miniworld.phantoms.blots import blot_sample
from bench.miniworld.phantoms.medical import CLASSES, medical_sample
from bench.miniworld.phantoms.sample import TrainingSample
from bench.miniworld.phantoms.seeding import generator
from bench.miniworld.phantoms.shapes import shape_sample

SIDE = 128
OF_A_FILE = 250
LEAST_AREA_PX = 6
MOST_OBJECTS = 14
VERSION = 1
SAMPLERS: dict[str, Callable[[np.random.Generator], TrainingSample]] = {
    "blots": blot_sample,
    "shapes": shape_sample,
    "medical": medical_sample,
}
NAMES = ("", *sorted({name for names in CLASSES.values() for name in names}))
HELD_OUT_SEED = 1_000_000


@dataclass(frozen=True, slots=True, eq=False)
class Pool:
    """N pictures with M objects.

    Attributes:
        images: (N, 128, 128, 3) uint8.
        masks: (M, 128, 16) uint8, one bit per pixel as `numpy.packbits` has it.
        owner: (M,) int64, the picture of each object, ascending.
        names: (M,) int16, its class as an index into `NAMES`, 0 outside the medical world.
    """

    images: NDArray[np.uint8]
    masks: NDArray[np.uint8]
    owner: NDArray[np.int64]
    names: NDArray[np.int16]


def folder() -> Path:
    """Where pools are kept."""
    return Path(pooch.os_cache("segmote-bench")) / "pools"


def load(worlds: Sequence[str], pictures: int, *, held_out: bool = False, jobs: int = 1) -> Pool:
    """The pictures of some worlds, rendered where they are missing.

    Args:
        worlds: keys of `SAMPLERS`.
        pictures: of each world, rounded up to whole files.
        held_out: draws that no training sees.
        jobs: processes that render.
    """
    numbers = range(-(-pictures // OF_A_FILE))
    kind = "held-out" if held_out else "train"
    paths = {
        (world, number): folder() / f"{world}-{kind}-v{VERSION}-{number:03d}.npz"
        for world in worlds
        for number in numbers
    }
    seeds = {place: HELD_OUT_SEED * held_out + place[1] for place in paths}
    tasks = [(render, place[0], seeds[place], path, OF_A_FILE) for place, path in paths.items() if not path.is_file()]
    if tasks:
        workers.run(tasks, jobs, "local", "pictures", unit="file")
    return joined([read(path) for path in paths.values()])


def render(world: str, seed: int, path: Path, pictures: int) -> None:
    """Draw pictures of a world and write them; a reader never sees half a file."""
    images, masks, owner, names = [], [], [], []
    for number in range(pictures):
        rng = generator(seed, "pool", world, str(number))
        image, objects = framed(SAMPLERS[world](rng))
        chosen = rng.permutation(len(objects))[:MOST_OBJECTS]
        masks += [np.packbits(objects[index][1], axis=-1) for index in chosen]
        names += [objects[index][0] for index in chosen]
        owner += [number] * len(chosen)
        images.append(image)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(f".{os.getpid()}.partial.npz")
    np.savez(
        partial,
        images=np.stack(images),
        masks=np.stack(masks),
        owner=np.array(owner, np.int64),
        names=np.array(names, np.int16),
    )
    os.replace(partial, path)


def framed(sample: TrainingSample) -> tuple[NDArray[np.uint8], list[tuple[int, NDArray[np.bool_]]]]:
    """The picture squashed to (128, 128, 3), and its objects of at least 6 px as (index into `NAMES`, mask)."""
    image = sample.image if sample.image.ndim == 3 else np.repeat(sample.image[..., None], 3, -1)
    masks = ((name, _resized(np.uint8(255) * mask) > 127) for name, mask in sample.masks.items())
    objects = [(NAMES.index(name) if name in NAMES else 0, mask) for name, mask in masks if mask.sum() >= LEAST_AREA_PX]
    return _resized(image), objects


def _resized(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.array(Image.fromarray(image).resize((SIDE, SIDE), Image.Resampling.BILINEAR))


def read(path: Path) -> Pool:
    """A file that `render` wrote."""
    with np.load(path) as stored:
        return Pool(stored["images"], stored["masks"], stored["owner"], stored["names"])


def joined(pools: Sequence[Pool]) -> Pool:
    """Several pools as one."""
    starts = np.cumsum([0, *(len(pool.images) for pool in pools)])
    return Pool(
        np.concatenate([pool.images for pool in pools]),
        np.concatenate([pool.masks for pool in pools]),
        np.concatenate([pool.owner + start for pool, start in zip(pools, starts, strict=False)]),
        np.concatenate([pool.names for pool in pools]),
    )
