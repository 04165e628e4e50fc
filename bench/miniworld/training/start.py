"""Where training from nothing begins: an encoder that hands pictures through, a decoder that looks where it is told."""

import math
from typing import Any

import torch
from sam2.modeling.sam2_base import SAM2Base
from torch import Tensor, nn

from bench.miniworld.training.networks import Network, decoder, prompt_encoder
from segmote.sam import ImageEncoderViT, Sam

POSITIONS, COLOURS = 24, 6  # dimensions of SAM's patch embedding; the others hold brightness
BRIGHTNESS_GAIN, DETAIL_GAIN, DETAIL_SLOPE, COLOUR_GAIN, POSITION_GAIN = 1 / 3, 2.0, 0.2, 2.0, 0.3
DETAILS_GAIN = 1.6
WAVES = (0.25, 0.5, 1.0, 2.0, 4.0, 6.0)  # cycles on the picture's side
NECK_NOISE = 0.01
QUERY_GAIN = 1.5
KIND_SCALE = 0.1
FREQUENCY_OCTAVES = -4.5, 0.5  # cycles on half of the picture's side
FINE_SCALE = 0.5


def initialise(network: Network) -> None:
    """Start values of a mini SAM or SAM 2, in place; random parts come from torch's global generator.

    Nothing in random weights says where a box is or how bright a pixel, and a decoder that is taught masks before its
    encoder hands over pictures learns to draw without them.
    """
    _localise(network)
    if isinstance(network, Sam):
        _hand_through(network.image_encoder)
    elif isinstance(network, SAM2Base):
        _silence(network.image_encoder.trunk.blocks)


@torch.no_grad()
def _localise(network: Network) -> None:
    """Tokens look at their own place, which training from nothing is slow to find.

    Positions are encoded along the axes, with the waves that short training can use, instead of in random directions.
    Queries and keys of the attention between tokens and picture are projected alike, so what lies near attends most;
    the prompts' kinds start small beside their positions.
    """
    prompts, transformer = prompt_encoder(network), decoder(network).transformer
    between = [transformer.final_attn_token_to_image]
    for layer in transformer.layers:
        between += [layer.cross_attn_token_to_image, layer.cross_attn_image_to_token]
    for attention in between:
        nn.init.orthogonal_(attention.q_proj.weight, QUERY_GAIN)
        attention.k_proj.load_state_dict(attention.q_proj.state_dict())
    waves = prompts.pe_layer.positional_encoding_gaussian_matrix
    half = waves.shape[1] // 2
    frequencies = torch.logspace(*FREQUENCY_OCTAVES, steps=half, base=2)
    waves.zero_()
    waves[0, :half], waves[1, half:] = frequencies, frequencies
    for kind in [*prompts.point_embeddings, prompts.not_a_point_embed, prompts.no_mask_embed]:
        kind.weight.mul_(KIND_SCALE)
    if isinstance(network, SAM2Base):  # else untrained fine features drown what the tokens say
        for fine in (network.sam_mask_decoder.conv_s0, network.sam_mask_decoder.conv_s1):
            fine.weight.mul_(FINE_SCALE)
            fine.bias.zero_()


@torch.no_grad()
def _hand_through(encoder: ImageEncoderViT) -> None:
    """Patches as coefficients of a cosine transform, positions beside them, blocks that add nothing yet."""
    projection = encoder.patch_embed.proj
    projection.weight.copy_(_cosine_patches(*projection.weight.shape[::2]))
    projection.bias.zero_()
    side = encoder.pos_embed.shape[1]
    angles = 2 * math.pi * (torch.arange(side)[:, None] + 0.5) / side * torch.tensor(WAVES)
    waves = POSITION_GAIN * torch.cat([angles.sin(), angles.cos()], 1)  # (side, 12)
    encoder.pos_embed.zero_()
    half = POSITIONS // 2
    encoder.pos_embed[0, :, :, -POSITIONS:-half] = waves[None]
    encoder.pos_embed[0, :, :, -half:] = waves[:, None]
    _silence(encoder.blocks)
    narrow, smooth = encoder.neck[0].weight, encoder.neck[2].weight
    nn.init.orthogonal_(narrow.view(narrow.shape[0], -1))
    smooth.normal_(0, NECK_NOISE)
    channels = torch.arange(len(smooth))
    smooth[channels, channels, 1, 1] += 1


def _cosine_patches(width: int, patch: int) -> Tensor:
    """(width, 3, patch, patch) filters: brightness from coarse to fine, then a little colour, then zeros."""
    place, wave = torch.arange(patch) + 0.5, torch.arange(patch)
    norm = torch.where(wave == 0, math.sqrt(1 / patch), math.sqrt(2 / patch))
    cosines = torch.cos(math.pi * wave[:, None] * place / patch) * norm[:, None]
    coarse_first = sorted(((i, j) for i in range(patch) for j in range(patch)), key=lambda at: (math.hypot(*at), at))
    filters = torch.zeros(width, 3, patch, patch)
    bright = min(patch**2, width - POSITIONS - COLOURS)
    for row, (i, j) in enumerate(coarse_first[:bright]):
        gain = 1.0 if i + j == 0 else DETAILS_GAIN * (DETAIL_GAIN + DETAIL_SLOPE * math.hypot(i, j))
        filters[row] = gain * BRIGHTNESS_GAIN / patch * torch.outer(cosines[i], cosines[j])
    opponents = torch.tensor([[-0.5, -0.5, 1.0], [1.0, -1.0, 0.0]])
    for row in range(COLOURS):
        i, j = coarse_first[row // 2]
        shape = COLOUR_GAIN / patch * torch.outer(cosines[i], cosines[j])
        filters[bright + row] = opponents[row % 2][:, None, None] * shape
    return filters


@torch.no_grad()
def _silence(blocks: Any) -> None:
    """Blocks of a transformer add nothing yet."""
    for block in blocks:
        last = block.mlp.lin2 if hasattr(block.mlp, "lin2") else block.mlp.layers[-1]
        for layer in (block.attn.proj, last):
            layer.weight.zero_()
            layer.bias.zero_()
