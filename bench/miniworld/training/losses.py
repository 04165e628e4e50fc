"""Losses on sampled points: every size of object counts alike, at a small part of the cost of whole masks.

A picture is 128 pixels wide, low-resolution maps are 64: both are read at the same places by bilinear interpolation.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bench.miniworld.training.networks import MaskProposals
from bench.miniworld.training.pools import SIDE

GRID = 28  # points along each side of an object's window
ANYWHERE = 196
IN_WINDOW = GRID**2
MARGIN_SHARE, MARGIN_PX = 0.25, 2.0
MEMBER_DIMENSIONS, QUERIES = 8, 2
STEEPNESS = 32.0


@dataclass(frozen=True, slots=True, eq=False)
class Samples:
    """Where M objects are looked at.

    Attributes:
        points: (M, N, 2) x, y in 0..128: a jittered grid over the box and its surroundings, then some anywhere.
        target: (M, 1, N) the mask there, in 0..1.
    """

    points: Tensor
    target: Tensor


def sample_points(boxes: Tensor, masks: Tensor, generator: torch.Generator) -> Samples:
    """Points for objects with tight boxes (M, 4) and masks (M, 128, 128)."""
    count, device = len(boxes), boxes.device
    low, high = boxes[:, :2], boxes[:, 2:]
    margin = MARGIN_SHARE * (high - low) + MARGIN_PX
    step = torch.arange(GRID, device=device) + torch.rand(count, 2, 1, generator=generator, device=device)
    x, y = ((low - margin)[..., None] + step / GRID * (high - low + 2 * margin)[..., None]).unbind(1)
    window = torch.stack([x[:, None].expand(-1, GRID, -1), y[:, :, None].expand(-1, -1, GRID)], -1).flatten(1, 2)
    anywhere = torch.rand(count, ANYWHERE, 2, generator=generator, device=device) * SIDE
    points = torch.cat([window, anywhere], 1)
    return Samples(points, at(masks[:, None], points))


def at(maps: Tensor, points: Tensor) -> Tensor:
    """Values (M, C, N) of maps (M, C, h, w) of the whole picture at points (M, N, 2) in 0..128."""
    places = (points / SIDE * 2 - 1)[:, None]
    return F.grid_sample(maps, places, align_corners=False, padding_mode="border")[:, :, 0]


def steep(logits: Tensor) -> Tensor:
    """Maps (M, C, h, w) to enlarge as MedSAM does, whose mask is where enlarged probabilities exceed one half.

    The logit of an enlarged probability teaches badly: it wants every value near 0 or 1, also between two pixels. A
    steep line through one half wants it on its side.
    """
    return STEEPNESS * (logits.sigmoid() - 0.5)


def mask_losses(logits: Tensor, target: Tensor) -> Tensor:
    """Dice and cross entropy in the window, and half the cross entropy anywhere.

    Args:
        logits: (M, C, N) at `Samples.points`.
        target: (M, 1, N).

    Returns:
        (M, C).
    """
    target = target.expand_as(logits)
    entropy = F.binary_cross_entropy_with_logits(logits, target, reduction="none")
    drawn, wanted = logits[..., :IN_WINDOW].sigmoid(), target[..., :IN_WINDOW]
    dice = (2 * (drawn * wanted).sum(-1) + 1) / (drawn.sum(-1) + wanted.sum(-1) + 1)
    return 1 - dice + entropy[..., :IN_WINDOW].mean(-1) + 0.5 * entropy[..., IN_WINDOW:].mean(-1)


def frame_losses(logits: Tensor, masks: Tensor) -> Tensor:
    """Dice over the whole picture and twice the mean cross entropy: what tells a mask that it lies elsewhere.

    Args:
        logits: (M, C, h, w).
        masks: (M, 128, 128) in 0..1.

    Returns:
        (M, C).
    """
    target = F.avg_pool2d(masks[:, None], SIDE // logits.shape[-1]).expand_as(logits)
    drawn = logits.sigmoid()
    dice = (2 * (drawn * target).sum((2, 3)) + 1) / (drawn.sum((2, 3)) + target.sum((2, 3)) + 1)
    entropy = F.binary_cross_entropy_with_logits(logits, target, reduction="none").mean((2, 3))
    return 1 - dice + 2 * entropy


def window_iou(logits: Tensor, target: Tensor) -> Tensor:
    """(M, C) intersection over union of the thresholded masks at the window's points."""
    drawn, wanted = logits[..., :IN_WINDOW] > 0, target[..., :IN_WINDOW] > 0.5
    return (drawn & wanted).sum(-1) / (drawn | wanted).sum(-1).clamp(min=1)


class Probe(nn.Module):
    """Linear maps from the upscaled features to what they must carry; thrown away after training.

    Args:
        channels: of the upscaled features.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.brightness = nn.Parameter(0.1 * torch.randn(1, channels))
        self.member = nn.Parameter(0.3 * torch.randn(MEMBER_DIMENSIONS, channels))
        self.scale = nn.Parameter(torch.zeros(()))
        self.bias = nn.Parameter(torch.ones(()))

    def brightness_loss(self, drawn: MaskProposals, grey: Tensor, samples: Samples) -> Tensor:
        """Share of the window's variance of brightness that is not read out.

        Args:
            drawn: its features are read.
            grey: (M, 128, 128) brightness of the objects' pictures.
            samples: their windows.
        """
        features = at(drawn.upscaled, samples.points)[..., :IN_WINDOW]
        wanted = at(grey[:, None], samples.points)[..., :IN_WINDOW]
        wanted = wanted - wanted.mean(-1, keepdim=True)
        wanted = wanted / (wanted.std(-1, keepdim=True) + 0.03)
        read = torch.einsum("mcn,oc->mon", features, self.brightness)
        read = read - read.mean(-1, keepdim=True)
        return (read - wanted).square().mean() / wanted.square().mean()

    def membership_loss(self, drawn: MaskProposals, samples: Samples, generator: torch.Generator) -> Tensor:
        """Whether a point of the window lies in the same object as points drawn inside it."""
        features = at(drawn.upscaled, samples.points)[..., :IN_WINDOW]
        target = samples.target[..., :IN_WINDOW]
        code = torch.einsum("mcn,oc->mon", features, self.member)
        queries = torch.multinomial(target[:, 0] ** 4 + 1e-6, QUERIES, replacement=True, generator=generator)
        asked = code.gather(2, queries[:, None].expand(-1, MEMBER_DIMENSIONS, -1)).transpose(1, 2)
        distance = asked.square().sum(-1)[..., None] - 2 * asked @ code + code.square().sum(1)[:, None]
        logits = self.bias - self.scale.exp() * distance
        return F.binary_cross_entropy_with_logits(logits, target.expand_as(logits))
