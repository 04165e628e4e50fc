"""Prompts as the original networks saw them in training, in pixels of the network's input."""

import torch
import torch.nn.functional as F
from torch import Tensor

NOISE_SHARE = 0.1
NOISE_LIMIT_PX = 5.0  # 20 px of the official 1024
SHIFT_LIMIT_PX = 5  # of SAM-Med2D and of IMIS-Net, whose training size is that of the minis


def noisy_boxes(boxes: Tensor, size: int, generator: torch.Generator) -> Tensor:
    """SAM's box noise: each corner coordinate moved by up to a tenth of its side, at most 20/1024 of the image.

    Args:
        boxes: (B, 4) tight boxes x0, y0, x1, y1.
        size: side of the network's input; the boxes stay inside it.
        generator: source of the noise.

    Source: facebookresearch/sam2, `sample_box_points`.
    """
    sides = (boxes[:, 2:] - boxes[:, :2]).repeat(1, 2)
    reach = (NOISE_SHARE * sides).clamp(max=NOISE_LIMIT_PX)
    noise = torch.rand(boxes.shape, generator=generator) * 2 - 1
    return (boxes + noise * reach).clamp(0, size)


def enlarged_boxes(boxes: Tensor, size: int, generator: torch.Generator) -> Tensor:
    """MedSAM's box noise: each side moved outwards by 0 to 20/1024 of the image.

    Source: bowang-lab/MedSAM, `train_one_gpu.py`.
    """
    outwards = torch.tensor([-1.0, -1.0, 1.0, 1.0])
    return (boxes + torch.rand(boxes.shape, generator=generator) * NOISE_LIMIT_PX * outwards).clamp(0, size)


def shifted_boxes(boxes: Tensor, size: int, generator: torch.Generator) -> Tensor:
    """SAM-Med2D's box noise: the box as a whole moved by up to 5 px a side, less than half of its shorter side.

    Source: OpenGVLab/SAM-Med2D, `utils.py`.
    """
    reach = ((boxes[:, 2:] - boxes[:, :2]).amin(1, keepdim=True) / 2).clamp(max=SHIFT_LIMIT_PX)
    shift = (torch.rand(len(boxes), 2, generator=generator) * 2 - 1) * reach
    return (boxes + shift.repeat(1, 2)).clamp(0, size)


def jittered_boxes(boxes: Tensor, size: int, generator: torch.Generator) -> Tensor:
    """IMIS-Net's box noise: each coordinate moved by up to 5 whole pixels, the far corner never before the near one.

    Source: uni-medical/IMIS-Bench, `data_utils.py`.
    """
    steps = torch.randint(-SHIFT_LIMIT_PX, SHIFT_LIMIT_PX + 1, boxes.shape, generator=generator)
    first, second = (boxes + steps).clamp(0, size).split(2, dim=1)
    return torch.cat([torch.minimum(first, second), torch.maximum(first, second)], dim=1)


def tight_boxes(boxes: Tensor, size: int, generator: torch.Generator) -> Tensor:
    """Huang et al.'s boxes: as they are."""
    return boxes.clamp(0, size)


def next_click(target: Tensor, predicted: Tensor, stride: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """One click an object where target and prediction differ; half of the clicks prefer the region's middle.

    Args:
        target: (B, 1, h, w) bool.
        predicted: (B, 1, h, w) bool, empty for the first click.
        stride: pixels of the network's input in one of the mask.
        generator: source of the draw.

    Returns:
        (B, 1, 2) x, y in pixels of the network's input, (B, 1) labels: 1 in missed foreground, else 0.
        Without an error the click lies anywhere.
    """
    error = (target ^ predicted).float()
    middle = error * F.avg_pool2d(error, 5, stride=1, padding=2) ** 4
    coin = torch.rand(len(error), 1, 1, 1, generator=generator) < 0.5
    weights = torch.where(coin, middle, error).flatten(1)
    weights = weights + (weights.sum(1, keepdim=True) == 0)
    cell = torch.multinomial(weights, 1, generator=generator)
    width = target.shape[-1]
    corner = torch.stack([cell % width, cell // width], dim=-1).float()
    within = torch.rand(corner.shape, generator=generator)
    labels = target.flatten(1).gather(1, cell).long()
    return (corner + within) * stride - 0.5, labels
