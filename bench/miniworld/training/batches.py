"""Batches from a pool: pictures turned, zoomed and recoloured at random, on the device that trains."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from bench.miniworld.training.pools import MOST_OBJECTS, SIDE, Pool
from bench.miniworld.training.recolouring import recoloured

SIZE_EDGES_PX = (5.6, 8.0, 11.3, 16.0, 22.6, 32.0, 45.3)  # between the sizes that are drawn equally often
LEAST_AREA_PX, LARGEST_SHARE = 6, 0.6
NEAREST_SHARE = 0.25


@dataclass(frozen=True, slots=True)
class Variation:
    """How pictures are varied.

    Attributes:
        turned: by quarter turns, mirrored, and often by up to 29 degrees; otherwise by a few degrees only, for
            classes whose names say left or right.
        zoom: smallest and largest scale of the picture in the frame.
        shrunk_share: of the pictures are scaled by less than 1, the others by more.
        recoloured: see `recolouring`.
    """

    turned: bool = True
    zoom: tuple[float, float] = (0.35, 1.6)
    shrunk_share: float = 0.5
    recoloured: bool = True


UPRIGHT = Variation(turned=False, zoom=(0.8, 1.25))


@dataclass(frozen=True, slots=True, eq=False)
class PictureBatch:
    """B pictures and M of their objects.

    Attributes:
        images: (B, 3, 128, 128) in 0..1.
        owner: (M,) the picture of each object.
        masks: (M, 128, 128) in 0..1, soft at the edges.
        boxes: (M, 4) tight boxes x0, y0, x1, y1 in pixels; x1, y1 are one past the last.
        names: (M,) classes as indices into `pools.NAMES`.
    """

    images: Tensor
    owner: Tensor
    masks: Tensor
    boxes: Tensor
    names: Tensor

    def of(self, objects: Tensor) -> "PictureBatch":
        """The same pictures with some of the objects."""
        parts = (part[objects] for part in (self.owner, self.masks, self.boxes, self.names))
        return PictureBatch(self.images, *parts)


class Source:
    """A pool on a device, from which batches are drawn.

    Args:
        pool: kept as it is, so that it may be shared by several sources.
        device: of the batches.
    """

    def __init__(self, pool: Pool, device: torch.device) -> None:
        self.images, self.packed, self.owner, self.names = (
            torch.from_numpy(part).to(device) for part in (pool.images, pool.masks, pool.owner, pool.names)
        )
        self.first = torch.searchsorted(self.owner, torch.arange(len(self.images) + 1, device=device))
        sizes = torch.cat([_sizes(part) for part in self.packed.split(4096)])
        group = torch.bucketize(sizes, torch.tensor(SIZE_EDGES_PX, device=device))
        self.weights = 1 / torch.bincount(group, minlength=len(SIZE_EDGES_PX) + 1)[group]

    def draw(self, pictures: int, objects: int, variation: Variation, generator: torch.Generator) -> PictureBatch:
        """A batch in which objects of every size are equally likely.

        Args:
            pictures: B.
            objects: of a picture, at most.
            variation: see `Variation`.
            generator: on the device; source of every draw.
        """
        focus = torch.multinomial(self.weights, pictures, replacement=True, generator=generator)
        chosen = self._chosen(focus, objects, generator)
        return self._varied(self.owner[focus], *chosen, variation, generator)

    def _chosen(self, focus: Tensor, objects: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Objects (M,) of the pictures of the objects `focus` (B,), these among them, and their places in 0..B-1."""
        picture = self.owner[focus]
        index = self.first[picture][:, None] + torch.arange(MOST_OBJECTS, device=focus.device)
        valid = index < self.first[picture + 1][:, None]
        index = index.clamp(max=len(self.weights) - 1)
        waiting = -torch.rand(index.shape, generator=generator, device=focus.device).log() / self.weights[index]
        waiting = torch.where(index == focus[:, None], 0.0, waiting).masked_fill(~valid, torch.inf)
        kept = waiting.argsort(1)[:, :objects]
        places = torch.arange(len(focus), device=focus.device)[:, None].expand_as(kept)
        real = valid.gather(1, kept)
        return index.gather(1, kept)[real], places[real]

    def _varied(
        self, pictures: Tensor, objects: Tensor, owner: Tensor, variation: Variation, generator: torch.Generator
    ) -> PictureBatch:
        images = self.images[pictures].permute(0, 3, 1, 2).float() / 255
        masks = unpacked(self.packed[objects])
        grid = F.affine_grid(
            transforms(len(images), variation, generator), [len(images), 3, SIDE, SIDE], align_corners=False
        )
        images = sampled(images, grid, generator)
        masks = F.grid_sample(masks[:, None], grid[owner], align_corners=False)[:, 0]
        if variation.recoloured:
            images = recoloured(images, (grid.abs() <= 1).all(-1)[:, None], generator)
        area = (masks > 0.5).sum((1, 2))
        kept = (area >= LEAST_AREA_PX) & (area < LARGEST_SHARE * SIDE**2)
        masks = masks[kept]
        return PictureBatch(images, owner[kept], masks, tight_boxes(masks > 0.5), self.names[objects][kept].long())


def unpacked(packed: Tensor) -> Tensor:
    """(M, 128, 16) uint8 as `numpy.packbits` writes it to (M, 128, 128) float."""
    shifts = torch.arange(7, -1, -1, dtype=torch.uint8, device=packed.device)
    return ((packed[..., None] >> shifts) & 1).flatten(-2).float()


def tight_boxes(masks: Tensor) -> Tensor:
    """(M, 4) boxes x0, y0, x1, y1 of masks (M, H, W) bool, x1 and y1 one past the last pixel."""
    sides = []
    for occupied in (masks.any(1), masks.any(2)):
        place = torch.arange(occupied.shape[1], device=masks.device)
        first = torch.where(occupied, place, occupied.shape[1]).amin(1)
        sides.append((first, torch.where(occupied, place + 1, 0).amax(1)))
    (x0, x1), (y0, y1) = sides
    return torch.stack([x0, y0, x1, y1], 1).float()


def _sizes(packed: Tensor) -> Tensor:
    """(M,) square roots of the areas of tight boxes."""
    boxes = tight_boxes(unpacked(packed) > 0.5)
    return (boxes[:, 2:] - boxes[:, :2]).prod(1).sqrt()


def transforms(count: int, variation: Variation, generator: torch.Generator) -> Tensor:
    """(B, 2, 3) from places in the frame to places in the picture, both in -1..1."""
    device = generator.device

    def uniform(low: float, high: float, *shape: int) -> Tensor:
        return low + (high - low) * torch.rand(count, *shape, generator=generator, device=device)

    smallest, largest = torch.tensor(variation.zoom).log().tolist()
    shrunk = uniform(0, 1) < variation.shrunk_share
    scale = torch.where(shrunk, uniform(smallest, 0), uniform(0, largest)).exp()
    aspect = uniform(-0.2, 0.2).exp() if variation.turned else torch.ones(count, device=device)
    reach = torch.stack([1 / (scale * aspect), aspect / scale], 1)
    shift = uniform(-1, 1, 2) * (1 - reach).abs()
    cosine, sine = _turns(count, variation, generator)
    mirror = torch.where(uniform(0, 1) < 0.5 * variation.turned, -1.0, 1.0)
    rows = [
        torch.stack([cosine * reach[:, 0] * mirror, -sine * reach[:, 1], shift[:, 0]], 1),
        torch.stack([sine * reach[:, 0] * mirror, cosine * reach[:, 1], shift[:, 1]], 1),
    ]
    return torch.stack(rows, 1)


def _turns(count: int, variation: Variation, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Cosines and sines (B,) of the pictures' turns."""
    device = generator.device
    slight = 2 * torch.rand(count, generator=generator, device=device) - 1
    if not variation.turned:
        return (0.1 * slight).cos(), (0.1 * slight).sin()
    quarters = torch.randint(4, (count,), generator=generator, device=device)
    often = torch.rand(count, generator=generator, device=device) < 0.35
    angle = quarters * (torch.pi / 2) + 0.5 * slight * often
    return angle.cos(), angle.sin()


def sampled(images: Tensor, grid: Tensor, generator: torch.Generator) -> Tensor:
    """Pictures on the grid; some by nearest neighbour, as several families resize theirs."""
    smooth = F.grid_sample(images, grid, align_corners=False)
    nearest = torch.rand(len(images), 1, 1, 1, generator=generator, device=grid.device) < NEAREST_SHARE
    if not nearest.any():
        return smooth
    return torch.where(nearest, F.grid_sample(images, grid, mode="nearest", align_corners=False), smooth)
