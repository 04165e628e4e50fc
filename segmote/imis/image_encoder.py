"""IMIS-Net's image encoder: SAM's vision transformer in timm's naming, then a neck as wide as the decoder.

Any input whose sides are multiples of the patch is accepted: position tables are stored for one grid and resampled.

Source: uni-medical/IMIS-Bench at f4519c0; the transformer is that of `segment_anything`, with timm's layer-norm
epsilon (1e-5) and timm's names in the MLP.
"""

from collections import OrderedDict
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from segmote.sam import ImageEncoderViT, LayerNorm2d


@dataclass(frozen=True, slots=True)
class EncoderConfig:
    """Sizes of the vision transformer; the defaults are ViT-B's.

    Attributes:
        patch: side of a patch in pixels.
        grid: side of the grid, in patches, that the position tables are stored for.
        width, depth, heads: of the blocks.
        window: side of the attention windows, in patches.
        global_blocks: blocks that attend to the whole grid instead, counted from 0; the last block is one.
        unused_neck: channels of timm's own neck, which is stored but never run.
        epsilon: of the blocks' layer norms; timm's, where SAM has 1e-6.
    """

    patch: int = 16
    grid: int = 64
    width: int = 768
    depth: int = 12
    heads: int = 12
    window: int = 14
    global_blocks: tuple[int, ...] = (2, 5, 8, 11)
    unused_neck: int = 256
    epsilon: float = 1e-5


class VisionTransformer(ImageEncoderViT):
    """SAM's ViT for inputs of any size; it returns the grid after each global block."""

    def __init__(self, config: EncoderConfig) -> None:
        super().__init__(
            img_size=config.grid * config.patch,
            patch_size=config.patch,
            embed_dim=config.width,
            depth=config.depth,
            num_heads=config.heads,
            out_chans=config.unused_neck,
            use_rel_pos=True,
            window_size=config.window,
            global_attn_indexes=config.global_blocks,
            norm_layer=partial(nn.LayerNorm, eps=config.epsilon),
        )
        self.global_blocks = config.global_blocks
        for block in self.blocks:
            block.mlp = _mlp(config.width, 4 * config.width)

    def forward(self, images: Tensor) -> list[Tensor]:
        """Grids (B, h, w, width) after the global blocks, earliest first, of images (B, 3, h * patch, w * patch)."""
        grid = self.patch_embed(images)
        grid = grid + self._positions(grid.shape[1:3])
        grids = []
        for index, block in enumerate(self.blocks):
            grid = block(grid)
            if index in self.global_blocks:
                grids.append(grid)
        return grids

    def _positions(self, size: torch.Size) -> Tensor:
        if self.pos_embed.shape[1:3] == size:
            return self.pos_embed
        table = self.pos_embed.permute(0, 3, 1, 2)
        return F.interpolate(table, size, mode="bicubic", antialias=True).permute(0, 2, 3, 1)


class ImageEncoder(nn.Module):
    """Transformer and neck.

    Args:
        config: sizes of the transformer.
        dim: channels of the embedding.
    """

    def __init__(self, config: EncoderConfig, dim: int) -> None:
        super().__init__()
        self.sam_encoder = VisionTransformer(config)
        self.neck = nn.Sequential(
            nn.Conv2d(config.width, dim, kernel_size=1, bias=False),
            LayerNorm2d(dim),
            nn.Conv2d(dim, dim, kernel_size=3, padding=1, bias=False),
            LayerNorm2d(dim),
        )

    def forward(self, images: Tensor) -> Tensor:
        """Embeddings (B, dim, h, w) of images (B, 3, h * patch, w * patch)."""
        return self.embed(self.sam_encoder(images)[-1])

    def embed(self, grid: Tensor) -> Tensor:
        """The embedding (B, dim, h, w) of the transformer's last grid (B, h, w, width)."""
        return self.neck(grid.permute(0, 3, 1, 2))


def _mlp(width: int, hidden: int) -> nn.Sequential:
    layers = {"fc1": nn.Linear(width, hidden), "act": nn.GELU(), "fc2": nn.Linear(hidden, width)}
    return nn.Sequential(OrderedDict(layers))
