"""The networks as training needs them: differentiable, all four masks, objects of several pictures at once."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import singledispatch
from typing import Any, TypeAlias

import torch
from sam2.modeling.sam2_base import SAM2Base
from torch import Tensor, nn

from adapters.precision import autocast
from segmote.imis.network import Imis
from segmote.sam import Sam

Network: TypeAlias = Sam | SAM2Base | Imis
Features: TypeAlias = list[Tensor]


@dataclass(frozen=True, slots=True, eq=False)
class PromptTensors:
    """What the network is told about M objects, in pixels of its input.

    Attributes:
        boxes: (M, 4) x0, y0, x1, y1, or None.
        xy: (M, P, 2) clicks; P may be 0.
        labels: (M, P), 1 foreground, 0 background.
        masks: (M, 1, 64, 64) logits of the round before, probabilities for SAM-Med2D, or None.
        text: (M, width) vectors of the classes' names for IMIS-Net, or None.
    """

    boxes: Tensor | None
    xy: Tensor
    labels: Tensor
    masks: Tensor | None = None
    text: Tensor | None = None

    @property
    def is_lone_click(self) -> bool:
        """One click and nothing else: it may mean a part or the whole."""
        return self.boxes is None and self.masks is None and self.text is None and self.xy.shape[1] == 1

    def with_click(self, xy: Tensor, labels: Tensor) -> "PromptTensors":
        """One more click (M, 1, 2) with its labels (M, 1)."""
        return replace(self, xy=torch.cat([self.xy, xy], 1), labels=torch.cat([self.labels, labels], 1))


@dataclass(frozen=True, slots=True, eq=False)
class MaskProposals:
    """What the decoder makes of M prompts.

    Attributes:
        logits: (M, 4, 64, 64), the single mask first, then the three candidates.
        scores: (M, 4) predicted IoU.
        upscaled: (M, C, 64, 64) features that the masks are drawn on.
    """

    logits: Tensor
    scores: Tensor
    upscaled: Tensor


def no_clicks(count: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """Coordinates and labels of no clicks for M objects."""
    return torch.zeros(count, 0, 2, device=device), torch.zeros(count, 0, dtype=torch.long, device=device)


def boxed(boxes: Tensor) -> PromptTensors:
    """Prompts of boxes (M, 4) alone."""
    return PromptTensors(boxes, *no_clicks(len(boxes), boxes.device))


def named(text: Tensor) -> PromptTensors:
    """Prompts of names (M, width) alone."""
    return PromptTensors(None, *no_clicks(len(text), text.device), text=text)


def decoder(network: Network) -> Any:
    """The mask decoder, whose parts have the same names in all families."""
    return network.sam_mask_decoder if isinstance(network, SAM2Base) else network.mask_decoder


def prompt_encoder(network: Network) -> Any:
    """The prompt encoder, likewise."""
    return network.sam_prompt_encoder if isinstance(network, SAM2Base) else network.prompt_encoder


@singledispatch
def embed(network: nn.Module, images: Tensor) -> Features:
    """Image features with gradients, coarsest last, of (B, 3, 128, 128) network inputs."""
    raise TypeError(f"no mini network of type {type(network).__name__}")


@embed.register
def _(network: Sam, images: Tensor) -> Features:
    return [network.image_encoder(images)]


@embed.register
def _(network: Imis, images: Tensor) -> Features:
    return [network.image_encoder(images)]


@embed.register
def _(network: SAM2Base, images: Tensor) -> Features:
    maps = network.forward_image(images)["backbone_fpn"]
    return [*maps[:-1], maps[-1] + network.no_mem_embed.reshape(1, -1, 1, 1)]


def propose(network: Network, features: Features, owner: Tensor, prompts: PromptTensors) -> MaskProposals:
    """All masks that the decoder can draw.

    Args:
        network: a mini.
        features: of B pictures, from `embed`.
        owner: (M,) the picture of each object.
        prompts: of the M objects.
    """
    with _watched(decoder(network).output_upscaling[-1]) as seen:
        logits, scores = _decoded(network, features, owner, prompts)
    return MaskProposals(logits.float(), scores.float(), seen[0].float())


@contextmanager
def _watched(layer: nn.Module) -> Iterator[list[Tensor]]:
    """What a layer puts out meanwhile."""
    seen: list[Tensor] = []
    handle = layer.register_forward_hook(lambda _module, _inputs, output: seen.append(output))
    try:
        yield seen
    finally:
        handle.remove()


@singledispatch
def _decoded(network: nn.Module, features: Features, owner: Tensor, prompts: PromptTensors) -> tuple[Tensor, Tensor]:
    raise TypeError(f"no mini network of type {type(network).__name__}")


def _exactly(
    network: Network, prompts: PromptTensors, points: tuple[Tensor, Tensor] | None, *rest: Tensor | None
) -> tuple[Tensor, Tensor]:
    """The prompt encoder's tokens and dense embedding; reduced precision would move coordinates by half a pixel."""
    with autocast(prompts.xy.device, "fp32"):
        sparse, dense = prompt_encoder(network)(points, *rest)
    return sparse, dense


@_decoded.register
def _(network: Sam, features: Features, owner: Tensor, prompts: PromptTensors) -> tuple[Tensor, Tensor]:
    points = (prompts.xy, prompts.labels) if prompts.xy.shape[1] else None
    sparse, dense = _exactly(network, prompts, points, prompts.boxes, prompts.masks)
    # The decoder adds picture and dense prompt, and repeats one picture for all objects. With the pictures already in
    # the dense prompt and zeros as picture, objects of several pictures fit into one call.
    dense = dense + features[-1][owner]
    nothing = torch.zeros_like(features[-1][:1])
    positions = network.prompt_encoder.get_dense_pe()
    logits, scores = network.mask_decoder.predict_masks(nothing, positions, sparse, dense)
    return logits, scores


@_decoded.register
def _(network: Imis, features: Features, owner: Tensor, prompts: PromptTensors) -> tuple[Tensor, Tensor]:
    points = (prompts.xy, prompts.labels) if prompts.xy.shape[1] else None
    text = None if prompts.text is None else network.text_out_dim(prompts.text)
    sparse, dense = _exactly(network, prompts, points, prompts.boxes, prompts.masks, text)
    positions = network.prompt_encoder.get_dense_pe()
    drawn = network.mask_decoder(features[-1][owner], positions, sparse, dense, text)
    return drawn.logits, drawn.scores


@_decoded.register
def _(network: SAM2Base, features: Features, owner: Tensor, prompts: PromptTensors) -> tuple[Tensor, Tensor]:
    xy, labels = prompts.xy, prompts.labels
    if prompts.boxes is not None:
        corners = torch.tensor([[2, 3]], device=xy.device).expand(len(owner), 2)
        xy = torch.cat([prompts.boxes.reshape(-1, 2, 2), xy], dim=1)
        labels = torch.cat([corners, labels], dim=1)
    sparse, dense = _exactly(network, prompts, (xy, labels), None, prompts.masks)
    logits, scores, *_ = network.sam_mask_decoder.predict_masks(
        image_embeddings=features[-1][owner],
        image_pe=network.sam_prompt_encoder.get_dense_pe(),
        sparse_prompt_embeddings=sparse,
        dense_prompt_embeddings=dense,
        repeat_image=False,
        high_res_features=[level[owner] for level in features[:-1]],
    )
    return logits, scores
