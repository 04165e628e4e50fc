"""IMIS-Net: SAM's layout with a wider decoder, semantic tokens and text prompts.

An image goes through `image_encoder` once, each prompt through `decode`. The input size can be chosen freely, as no
stored tensor depends on it. Pixels are standardised with `PIXEL_MEAN` and `PIXEL_STD` (RGB, 0..255) by the caller.

Source: uni-medical/IMIS-Bench at f4519c0; Cheng et al., Interactive medical image segmentation: a benchmark dataset
and baseline, CVPR 2025.
"""

from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import torch
from torch import Tensor, nn

from segmote.imis.image_encoder import EncoderConfig, ImageEncoder
from segmote.imis.mask_decoder import Candidates, SemanticMaskDecoder, TextPromptEncoder
from segmote.imis.text import TextConfig, TextTower
from segmote.sam import TwoWayTransformer

PIXEL_MEAN = (123.675, 116.28, 103.53)
PIXEL_STD = (58.395, 57.12, 57.375)
MASK_CHANNELS = 16


@dataclass(frozen=True, slots=True)
class ImisConfig:
    """Sizes of the network; the defaults are those of IMISNet-B at its official test size.

    Attributes:
        image_size: side of the square input, a multiple of the encoder's patch.
        dim: channels of image embedding, prompt tokens and decoder; a multiple of 8.
        layers, heads, mlp: of the decoder's two-way transformer.
        narrowing: factor by which its attention between tokens and image has fewer channels.
        head: hidden channels of the prediction heads.
        semantic: channels of a semantic vector.
        encoder, text: sizes of the two towers.
    """

    image_size: int = 1024
    dim: int = 768
    layers: int = 2
    heads: int = 8
    mlp: int = 2048
    narrowing: int = 2
    head: int = 256
    semantic: int = 512
    encoder: EncoderConfig = field(default_factory=EncoderConfig)
    text: TextConfig = field(default_factory=TextConfig)


class Imis(nn.Module):
    """The network.

    Attributes:
        config: its sizes.
        vocabulary: the file of merges that token ids refer to, see `segmote.imis.vocabulary`; it may be missing, as may
            `text_model` (None): text prompts need both, boxes, points and masks neither.
    """

    def __init__(self, config: ImisConfig, vocabulary: Path) -> None:
        super().__init__()
        self.config = config
        self.vocabulary = vocabulary
        self.image_encoder = ImageEncoder(config.encoder, config.dim)
        self.prompt_encoder = prompt_encoder(config)
        self.mask_decoder = self.decoder_of(config)
        self.text_model: TextTower | None = TextTower(config.text)
        self.text_out_dim = nn.Linear(config.text.width, config.dim)

    @staticmethod
    def decoder_of(config: ImisConfig) -> SemanticMaskDecoder:
        """The mask decoder; SegMoTE overrides it."""
        transformer = TwoWayTransformer(
            config.layers, config.dim, config.heads, config.mlp, attention_downsample_rate=config.narrowing
        )
        return SemanticMaskDecoder(config.dim, transformer, config.head, config.semantic)

    def decode(
        self,
        embeddings: Tensor,
        points: tuple[Tensor, Tensor] | None = None,
        boxes: Tensor | None = None,
        masks: Tensor | None = None,
        pooled: Tensor | None = None,
    ) -> Candidates:
        """All masks of B prompts, each on its own image.

        Args:
            embeddings: (B, dim, h, w) of the images, or (1, dim, h, w) for all.
            points: (B, N, 2) coordinates in pixels of the input and (B, N) labels, 1 foreground, 0 background.
            boxes: (B, 4) x0, y0, x1, y1, likewise.
            masks: (B, 1, 4h, 4w) logits of the round before.
            pooled: (B, text width) sentences as `text_model` gives them.
        """
        text = None if pooled is None else self.text_out_dim(pooled)
        sparse, dense = self.prompt_encoder(points, boxes, masks, text)
        if masks is None:  # then it is the same for all prompts
            dense = dense[:1]
        return self.mask_decoder(embeddings, self.prompt_encoder.get_dense_pe(), sparse, dense, text)


def prompt_encoder(config: ImisConfig) -> TextPromptEncoder:
    """The prompt encoder for the configured input size.

    Raises:
        ValueError: the input size is not a whole number of patches.
    """
    grid, rest = divmod(config.image_size, config.encoder.patch)
    if rest or not grid:
        raise ValueError(f"image_size must be a multiple of {config.encoder.patch}, got {config.image_size}")
    return TextPromptEncoder(config.dim, (grid, grid), (config.image_size, config.image_size), MASK_CHANNELS)


def standardised(image: Tensor) -> Tensor:
    """The network's input of an RGB image (3, H, W), 0..255."""
    mean, std = _colours(image.device)
    return (image - mean) / std


@cache  # made once, since making a tensor of numbers waits for a GPU
def _colours(device: torch.device) -> tuple[Tensor, Tensor]:
    mean, std = (torch.tensor(values, device=device)[:, None, None] for values in (PIXEL_MEAN, PIXEL_STD))
    return mean, std
