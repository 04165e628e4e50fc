"""Prompts as the original networks saw them in training, in pixels of the mini networks' input."""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from bench.miniworld.training.pools import SIDE

NOISE_SHARE = 0.1
NOISE_LIMIT_PX = SIDE * 20 / 1024
SHIFT_LIMIT_PX = SIDE * 5 / 256  # SAM-Med2D and IMIS-Net were trained on images of 256 px
MIDDLE_SHARE = 0.7

BoxNoise = Callable[[Tensor, torch.Generator], Tensor]


def sam_noise(boxes: Tensor, generator: torch.Generator) -> Tensor:
    """SAM's boxes: each coordinate moved by up to a tenth of its side, at most 20/1024 of the image.

    Args:
        boxes: (B, 4) tight boxes x0, y0, x1, y1.
        generator: source of the noise.

    Source: facebookresearch/sam2, `sample_box_points`.
    """
    reach = (NOISE_SHARE * _sides(boxes).repeat(1, 2)).clamp(max=NOISE_LIMIT_PX)
    return (boxes + _symmetric(boxes.shape, generator) * reach).clamp(0, SIDE)


def medsam_noise(boxes: Tensor, generator: torch.Generator) -> Tensor:
    """MedSAM's boxes: each side moved outwards by 0 to 20/1024 of the image, here at most a tenth of the side.

    A mini sees an eighth of the pixels, and 20/1024 would hide its small objects.

    Source: bowang-lab/MedSAM, `train_one_gpu.py`.
    """
    outwards = torch.tensor([-1.0, -1.0, 1.0, 1.0], device=boxes.device)
    reach = (NOISE_SHARE * _sides(boxes).repeat(1, 2)).clamp(max=NOISE_LIMIT_PX)
    shares = torch.rand(boxes.shape, generator=generator, device=boxes.device)
    return (boxes + shares * reach * outwards).clamp(0, SIDE)


def med2d_noise(boxes: Tensor, generator: torch.Generator) -> Tensor:
    """SAM-Med2D's boxes: moved as a whole by up to 5/256 of the image, at most a tenth of the shorter side.

    Source: OpenGVLab/SAM-Med2D, `utils.py`, whose limit is half of the shorter side.
    """
    reach = (NOISE_SHARE * _sides(boxes).amin(1, keepdim=True)).clamp(max=SHIFT_LIMIT_PX)
    return (boxes + (_symmetric((len(boxes), 2), generator) * reach).repeat(1, 2)).clamp(0, SIDE)


def imis_noise(boxes: Tensor, generator: torch.Generator) -> Tensor:
    """IMIS-Net's boxes: each coordinate moved by up to 5/256 of the image, here at most a tenth of its side.

    Source: uni-medical/IMIS-Bench, `data_utils.py`.
    """
    reach = (NOISE_SHARE * _sides(boxes).repeat(1, 2)).clamp(max=SHIFT_LIMIT_PX)
    return (boxes + _symmetric(boxes.shape, generator) * reach).clamp(0, SIDE)


def exact(boxes: Tensor, generator: torch.Generator) -> Tensor:
    """Huang et al.'s boxes: as they are."""
    return boxes


def loosened(boxes: Tensor, noise: BoxNoise, share: float, generator: torch.Generator) -> Tensor:
    """A share of the boxes (B, 4) with noise, the others tight."""
    noisy = torch.rand(len(boxes), 1, generator=generator, device=boxes.device) < share
    return torch.where(noisy, noise(boxes, generator), boxes)


def next_click(target: Tensor, predicted: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """One click per object, where target and prediction differ; most clicks prefer the middle of what is wrong.

    Args:
        target: (B, H, W) bool.
        predicted: (B, H, W) bool, empty for the first click.
        generator: source of the draw.

    Returns:
        (B, 1, 2) x, y anywhere in the clicked pixel, where whole numbers are centres of pixels, as the benchmark and
        SAM have it; (B, 1) labels: 1 in missed foreground, else 0. Without an error the click lies anywhere.
    """
    error = (target ^ predicted).float()
    middle = error * F.avg_pool2d(error[:, None], 7, stride=1, padding=3)[:, 0] ** 4
    coin = torch.rand(len(error), 1, 1, generator=generator, device=error.device) < MIDDLE_SHARE
    weights = torch.where(coin, middle, error).flatten(1)
    weights = weights + (weights.sum(1, keepdim=True) == 0)
    pixel = torch.multinomial(weights, 1, generator=generator)
    width = target.shape[-1]
    corner = torch.stack([pixel % width, pixel // width], -1) - 0.5
    xy = corner + torch.rand(corner.shape, generator=generator, device=error.device)
    return xy, target.flatten(1).gather(1, pixel).long()


def _sides(boxes: Tensor) -> Tensor:
    return boxes[:, 2:] - boxes[:, :2]


def _symmetric(shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
    return 2 * torch.rand(shape, generator=generator, device=generator.device) - 1
