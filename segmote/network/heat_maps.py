"""Heat maps of the routing: figure 7, what the expert tokens attend to in the image, by token and by expert.

B: rows, that is image x prompt. N: expert tokens. E: experts; E = N. H: heads. h, w: grid of the embedding. L: layers.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal

import torch
from torch import Tensor, nn

from segmote.network.expert_decoder import ExpertMaskDecoder
from segmote.sam import Attention

Combine = Literal["mean", "sum", "max"]
RANGE_FLOOR = 1e-12


@contextmanager
def watched(decoder: ExpertMaskDecoder) -> Iterator[list[Tensor]]:
    """Record what the expert tokens attend to in all passes of the decoder inside the block.

    Yields a list that grows by the attention probabilities (B, H, N, h * w) of one layer after the other. They are
    computed from the inputs of the token-to-image attention, so the pass itself is unchanged, and outside the block
    nothing is computed.
    """
    seen: list[Tensor] = []
    first, count = decoder.config.output_tokens, decoder.config.num_experts

    def keep(attention: nn.Module, _: Any, given: dict[str, Tensor]) -> None:
        assert isinstance(attention, Attention)
        seen.append(probabilities(attention, given["q"][:, first : first + count], given["k"]))

    hooks = [
        layer.cross_attn_token_to_image.register_forward_pre_hook(keep, with_kwargs=True)
        for layer in decoder.transformer.layers
    ]
    try:
        yield seen
    finally:
        for hook in hooks:
            hook.remove()


@torch.no_grad()
def probabilities(attention: Attention, tokens: Tensor, pixels: Tensor) -> Tensor:
    """How much (B, H, N, h * w) each token (B, N, D) attends to each pixel (B, h * w, D); each row sums to 1."""
    query, key = (
        project(part).unflatten(-1, (attention.num_heads, -1)).transpose(1, 2)
        for project, part in ((attention.q_proj, tokens), (attention.k_proj, pixels))
    )
    return (query @ key.transpose(-1, -2) / query.shape[-1] ** 0.5).softmax(dim=-1)


def token_maps(attention: Tensor, grid: tuple[int, int]) -> Tensor:
    """Maps (B, N, h, w) of the tokens, each from 0 to 1: the mean over the heads of attention (B, H, N, h * w)."""
    return _spread(attention.mean(dim=1)).unflatten(-1, grid)


def expert_maps(maps: Tensor, gates: Tensor, combine: Combine = "mean") -> Tensor:
    """Maps (B, E, h, w) of the experts, each from 0 to 1, or 0 everywhere for an expert without a token.

    Args:
        maps: (B, N, h, w) of the tokens.
        gates: (B, N, E) of the same layer; a token belongs to each expert whose gate is above 0.
        combine: how the maps of an expert's tokens are combined.

    Source: InMyDreammer/SegMoTE; the figure's labels say "token", the released code draws the experts.
    """
    belongs = (gates > 0).to(maps.dtype).transpose(1, 2)  # (B, E, N)
    if combine == "max":
        together = (belongs[..., None, None] * maps[:, None]).amax(dim=2)
    else:
        together = torch.einsum("ben,bnhw->behw", belongs, maps)
    if combine == "mean":
        together = together / belongs.sum(dim=-1).clamp(min=1)[..., None, None]
    return _spread(together.flatten(2)).unflatten(-1, maps.shape[-2:])


def _spread(maps: Tensor) -> Tensor:
    """Each row of the last dimension stretched to 0..1; a constant row becomes 0."""
    low, high = maps.amin(dim=-1, keepdim=True), maps.amax(dim=-1, keepdim=True)
    return (maps - low) / (high - low + RANGE_FLOOR)
