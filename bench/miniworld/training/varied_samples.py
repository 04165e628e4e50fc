"""Pictures of the in-domain training world as the mini SegMoTE learns from them: scaled, moved and recoloured."""

import numpy as np
import torch
import torch.nn.functional as F

from bench.miniworld.phantoms.medical import LEAST_PX
from bench.miniworld.phantoms.sample import TrainingSample
from bench.miniworld.training.batches import LARGEST_SHARE, Variation, sampled, transforms
from bench.miniworld.training.recolouring import recoloured

VARIATION = Variation(turned=False, zoom=(0.35, 1.3))  # not turned, as names say left and right


def varied(sample: TrainingSample, rng: np.random.Generator) -> TrainingSample:
    """The sample scaled, moved and recoloured at random; drawn again until it shows an object of at least 4 px."""
    generator = torch.Generator().manual_seed(int(rng.integers(2**62)))
    colours = sample.image if sample.image.ndim == 3 else np.repeat(sample.image[..., None], 3, -1)
    image = torch.from_numpy(colours).permute(2, 0, 1)[None].float() / 255
    while True:
        grid = F.affine_grid(transforms(1, VARIATION, generator), list(image.shape), align_corners=False)
        masks = {name: _moved(mask, grid) for name, mask in sample.masks.items()}
        masks = {name: mask for name, mask in masks.items() if LEAST_PX <= mask.sum() < LARGEST_SHARE * mask.size}
        if masks:
            break
    moved = recoloured(sampled(image, grid, generator), (grid.abs() <= 1).all(-1)[:, None], generator)
    pixels = (255 * moved[0].permute(1, 2, 0)).round().to(torch.uint8).numpy()
    return TrainingSample(pixels, masks, sample.modality)


def _moved(mask: np.ndarray, grid: torch.Tensor) -> np.ndarray:
    values = torch.from_numpy(mask)[None, None].float()
    return F.grid_sample(values, grid, align_corners=False)[0, 0].numpy() > 0.5
