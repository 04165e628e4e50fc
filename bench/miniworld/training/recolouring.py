"""Domain randomisation: intensities that no shape can be told by."""

import torch
import torch.nn.functional as F
from torch import Tensor

GREY_SHARE, INVERTED_SHARE, FADED_SHARE, NOISY_SHARE, BLURRED_SHARE, FILLED_SHARE = 0.5, 0.4, 0.5, 0.6, 0.25, 0.5
GAMMA = 0.45  # deviation of its logarithm
BIAS = 0.18  # largest deviation of the logarithm of a slowly changing gain
LEAST_CONTRAST = 0.25
NOISE = 0.05


def recoloured(images: Tensor, inside: Tensor, generator: torch.Generator) -> Tensor:
    """Pictures inverted, curved, lit unevenly, faded, blurred and made noisy, each at random.

    Args:
        images: (B, 3, H, W) in 0..1.
        inside: (B, 1, H, W) bool, what the picture covers; the rest often becomes black or grey.
        generator: on the images' device.

    Returns:
        (B, 3, H, W) in 0..1.
    """
    count, device = len(images), images.device

    def rand(*shape: int) -> Tensor:
        return torch.rand(count, *(shape or (1, 1, 1)), generator=generator, device=device)

    def normal(*shape: int) -> Tensor:
        return torch.randn(count, *shape, generator=generator, device=device)

    images = torch.where(rand() < GREY_SHARE, images.mean(1, keepdim=True), images)
    images = torch.where(rand() < INVERTED_SHARE, 1 - images, images)
    images = images.clamp(1e-4, 1) ** (GAMMA * normal(1, 1, 1)).exp()
    light = F.interpolate(normal(1, 4, 4) * BIAS * rand(), images.shape[-2:], mode="bicubic", align_corners=False)
    images = images * light.exp()
    contrast = 1 - (1 - LEAST_CONTRAST) * rand() * (rand() < FADED_SHARE)
    images = contrast * images + rand() * (1 - contrast)
    blurred = F.avg_pool2d(F.pad(images, (1, 1, 1, 1), mode="replicate"), 3, stride=1)
    softness = rand() * (rand() < BLURRED_SHARE)
    images = images + softness * (blurred - images)
    images = images + normal(1, *images.shape[-2:]) * NOISE * rand() * (rand() < NOISY_SHARE)
    ground = rand() * (rand() < 0.3)  # mostly black
    filled = ~inside & (rand() < FILLED_SHARE)
    return torch.where(filled, ground, images).clamp(0, 1)
