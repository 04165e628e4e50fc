"""The networks as training needs them: differentiable, all four masks, objects of several images at once."""

from dataclasses import dataclass
from functools import singledispatch
from typing import TypeAlias

import torch
from sam2.modeling.sam2_base import SAM2Base
from segment_anything.modeling import Sam
from torch import Tensor

from segmote.imis.network import Imis

Network: TypeAlias = Sam | SAM2Base | Imis
Features: TypeAlias = list[Tensor]

QUERY_GAIN = 1.5
KIND_SCALE = 0.1
FREQUENCY_OCTAVES = -4.5, 0.5  # cycles on half of the image's side
DETAIL_SCALE = 0.2


@dataclass(frozen=True, slots=True, eq=False)
class Prompts:
    """What the network is told about B objects, in pixels of its input.

    Attributes:
        boxes: (B, 4) x0, y0, x1, y1, or None.
        xy: (B, P, 2) clicks; P may be 0.
        labels: (B, P), 1 foreground, 0 background.
        masks: (B, 1, h, w) logits of the round before, probabilities for SAM-Med2D, or None.
        text: (B, width) vectors of the classes' names for IMIS-Net, or None.
    """

    boxes: Tensor | None
    xy: Tensor
    labels: Tensor
    masks: Tensor | None
    text: Tensor | None = None


def localise(network: Sam | SAM2Base) -> None:
    """Start from a decoder whose tokens look at their own place, which training from nothing is slow to find.

    Positions are encoded along the axes, with the waves that such short training can use, instead of in random
    directions. Queries and keys of the attention between tokens and image are projected alike, so what lies near
    attends most; the prompts' kinds start small beside their positions.
    """
    sam = isinstance(network, Sam)
    prompts = network.prompt_encoder if sam else network.sam_prompt_encoder
    transformer = (network.mask_decoder if sam else network.sam_mask_decoder).transformer
    between = [transformer.final_attn_token_to_image]
    for layer in transformer.layers:
        between += [layer.cross_attn_token_to_image, layer.cross_attn_image_to_token]
    for attention in between:
        torch.nn.init.orthogonal_(attention.q_proj.weight, QUERY_GAIN)
        attention.k_proj.load_state_dict(attention.q_proj.state_dict())
    waves = prompts.pe_layer.positional_encoding_gaussian_matrix
    half = waves.shape[1] // 2
    frequencies = torch.logspace(*FREQUENCY_OCTAVES, half, base=2)
    with torch.no_grad():
        waves.zero_()
        waves[0, :half], waves[1, half:] = frequencies, frequencies
        for kind in [*prompts.point_embeddings, prompts.not_a_point_embed, prompts.no_mask_embed]:
            kind.weight.mul_(KIND_SCALE)
        if not sam:  # else SAM 2's untrained fine features drown what the tokens say
            for detail in (network.sam_mask_decoder.conv_s0, network.sam_mask_decoder.conv_s1):
                detail.weight.mul_(DETAIL_SCALE)
                detail.bias.zero_()


@singledispatch
def embed(network: torch.nn.Module, images: Tensor) -> Features:
    """Image features with gradients, coarsest last; images are (N, 3, 256, 256) network inputs."""
    raise TypeError(f"no mini network of type {type(network).__name__}")


@singledispatch
def propose(network: torch.nn.Module, features: Features, owner: Tensor, prompts: Prompts) -> tuple[Tensor, Tensor]:
    """All masks the decoder can draw: the single one first, then the three candidates.

    Args:
        network: a mini.
        features: of N images, from `embed`.
        owner: (B,) index of each object's image.
        prompts: of the B objects.

    Returns:
        Mask logits (B, 4, h, w) and predicted scores (B, 4).
    """
    raise TypeError(f"no mini network of type {type(network).__name__}")


@embed.register
def _(network: Sam, images: Tensor) -> Features:
    return [network.image_encoder(images)]


@propose.register
def _(network: Sam, features: Features, owner: Tensor, prompts: Prompts) -> tuple[Tensor, Tensor]:
    points = (prompts.xy, prompts.labels) if prompts.xy.shape[1] else None
    sparse, dense = network.prompt_encoder(points=points, boxes=prompts.boxes, masks=prompts.masks)
    # The decoder adds image and dense prompt, and repeats one image for all objects. With the images
    # already in the dense prompt and zeros as image, objects of several images fit into one call.
    dense = dense + features[-1][owner]
    nothing = torch.zeros_like(features[-1][:1])
    return network.mask_decoder.predict_masks(nothing, network.prompt_encoder.get_dense_pe(), sparse, dense)


@embed.register
def _(network: SAM2Base, images: Tensor) -> Features:
    maps = network.forward_image(images)["backbone_fpn"]
    return [*maps[:-1], maps[-1] + network.no_mem_embed.reshape(1, -1, 1, 1)]


@propose.register
def _(network: SAM2Base, features: Features, owner: Tensor, prompts: Prompts) -> tuple[Tensor, Tensor]:
    xy, labels = prompts.xy, prompts.labels
    if prompts.boxes is not None:
        corners = torch.tensor([[2, 3]]).expand(len(owner), 2)
        xy = torch.cat([prompts.boxes.reshape(-1, 2, 2), xy], dim=1)
        labels = torch.cat([corners, labels], dim=1)
    sparse, dense = network.sam_prompt_encoder(points=(xy, labels), boxes=None, masks=prompts.masks)
    logits, scores, *_ = network.sam_mask_decoder.predict_masks(
        image_embeddings=features[-1][owner],
        image_pe=network.sam_prompt_encoder.get_dense_pe(),
        sparse_prompt_embeddings=sparse,
        dense_prompt_embeddings=dense,
        repeat_image=False,
        high_res_features=[level[owner] for level in features[:-1]],
    )
    return logits, scores
