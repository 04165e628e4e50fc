"""The attention of SAM's image encoder with less work and less memory; the result is the same to rounding.

Two differences to the package's own code. Windows that reach over the edge of the grid are filled up with tokens of
zeros, which the package projects like real ones: their queries, keys and values are just the bias, and nobody reads
their output, so both projections run on the real tokens alone. As keys they stay, since the softmax counts them. And
the scores of all heads of a global block take 0.8 GB at 1024 pixels; here they are made in pieces that stay in the
processor's cache. On a GPU PyTorch's fused attention makes none of them, once it was proven there.

B: images or windows. h, w: grid of tokens. C: channels. N = h * w. d: channels of a head.
"""

import warnings
from collections.abc import Callable, Mapping
from typing import TypeAlias

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from adapters.linear import product
from adapters.precision import Precision, autocast
from adapters.published import as_published
from segmote.sam import Block, EncoderAttention, get_rel_pos, window_partition, window_unpartition

SCORES_AT_ONCE = 2**20  # 4 MB in float32
# Of the fused attention in each precision, relative to the package's own in float32.
LARGEST_ERROR: Mapping[Precision, float] = {"fp32": 5e-6, "fp16": 5e-3, "bf16": 3e-2}
Mix: TypeAlias = Callable[[EncoderAttention, Tensor], Tensor]


class LeanBlock(Block):
    """SAM's transformer block with the attention of this module.

    Attributes:
        fused: use PyTorch's fused attention; set by `use_fused_attention`.
    """

    fused: bool = False

    def forward(self, x: Tensor) -> Tensor:
        """(B, h, w, C) to (B, h, w, C)."""
        x = x if as_published() else x.contiguous()  # the first block is given channels that lie apart
        # Adding numbers of two formats takes four times as long as casting one of them first.
        x = x + self.attend(self.norm1(x)).to(x.dtype)
        return x + self.mlp(self.norm2(x)).to(x.dtype)

    def attend(self, x: Tensor) -> Tensor:
        """Attention (B, h, w, C) of normalised tokens (B, h, w, C), in windows or over the whole grid."""
        ours = self.fused or x.device.type == "cpu"
        if ours and not as_published() and not torch.is_grad_enabled():
            return _attend(self.attn, x, self.window_size, _fused if self.fused else _mix)
        if not self.window_size:
            return self.attn(x)
        windows, padded = window_partition(x, self.window_size)
        return window_unpartition(self.attn(windows), self.window_size, padded, x.shape[1:3])


def use_lean_blocks(network: nn.Module) -> None:
    """Let all of SAM's blocks in a network compute as this module does; weights and their names stay."""
    for module in network.modules():
        if type(module) is Block:
            module.__class__ = LeanBlock


@torch.no_grad()
def use_fused_attention(network: nn.Module, precision: Precision) -> None:
    """Let SAM's blocks in a network, which lies on a GPU, use PyTorch's fused attention if it is exact there.

    The first windowed block and the first one over the whole grid are asked both ways, on random tokens. If one of them
    differs or fails, no block uses it, with a warning.
    """
    blocks = [each for each in network.modules() if isinstance(each, LeanBlock) and each.attn.use_rel_pos]
    first = {block.window_size: block for block in reversed(blocks)}
    try:
        error = max((_error(block.attn, precision) for block in first.values()), default=0.0)
        proven, reason = error <= LARGEST_ERROR[precision], f"it is off by {error:.1g} in {precision}"
    except RuntimeError as failure:
        proven, reason = False, f"{type(failure).__name__}: {str(failure).partition(chr(10))[0]}"
    for block in blocks:
        block.fused = proven
    if not proven:
        warnings.warn(f"the fused attention is not used ({reason})", stacklevel=3)


def _error(attention: EncoderAttention, precision: Precision) -> float:
    """How far the fused attention is from the package's own, for one window of tokens or the whole grid."""
    weight = attention.qkv.weight
    height, width = ((len(table) + 1) // 2 for table in (attention.rel_pos_h, attention.rel_pos_w))
    tokens = torch.randn(1, height, width, weight.shape[1], generator=torch.Generator().manual_seed(0)).to(weight)
    with autocast(weight.device, "fp32"):
        expected = attention(tokens)
    with autocast(weight.device, precision):
        found = attention.proj(_fused(attention, attention.qkv(tokens)))
    return float((found - expected).norm() / expected.norm())


def _attend(attention: EncoderAttention, x: Tensor, window: int, mix: Mix) -> Tensor:
    size = x.shape[1:3]
    projected = attention.qkv(x)  # (B, h, w, 3 C)
    if not window:
        return attention.proj(mix(attention, projected))
    windows, padded = window_partition(_filled_up(projected, attention.qkv.bias, window), window)
    return attention.proj(window_unpartition(mix(attention, windows), window, padded, size))


def _filled_up(projected: Tensor, bias: Tensor | None, window: int) -> Tensor:
    """The projected tokens (B, h, w, 3 C) with those of zeros up to whole windows, to the right and at the bottom."""
    batch, height, width, channels = projected.shape
    if height % window == width % window == 0:
        return projected
    full = projected.new_empty(batch, height + -height % window, width + -width % window, channels)
    full[:, :height, :width] = projected
    full[:, height:] = full[:, :height, width:] = 0 if bias is None else bias
    return full


def _mix(attention: EncoderAttention, projected: Tensor) -> Tensor:
    """Values (B, h, w, C) mixed by attention, of projected tokens (B, h, w, 3 C)."""
    batch, height, width, _ = projected.shape
    heads = attention.num_heads
    q, k, v = (part.flatten(0, 1).contiguous() for part in _parts(attention, projected))  # (B heads, N, d)
    mixed = _in_pieces(*_placed(q * attention.scale, k, _positions(attention, q, height, width)), v)
    return mixed.unflatten(0, (batch, heads)).transpose(1, 2).reshape(batch, height, width, -1)


def _fused(attention: EncoderAttention, projected: Tensor) -> Tensor:
    """What `_mix` gives, by one kernel that takes what the positions add to the scores."""
    batch, height, width, _ = projected.shape
    q, k, v = _parts(attention, projected)  # (B, heads, N, d)
    added = None
    if positions := _positions(attention, q.flatten(0, 1), height, width):
        by_row, by_column = positions
        added = (by_row[..., :, None] + by_column[..., None, :]).reshape(*q.shape[:3], height * width).to(q.dtype)
    mixed = F.scaled_dot_product_attention(q, k, v, attn_mask=added)
    return mixed.transpose(1, 2).reshape(batch, height, width, -1)


def _parts(attention: EncoderAttention, projected: Tensor) -> Tensor:
    """Queries, keys and values (3, B, heads, N, d) of projected tokens (B, h, w, 3 C)."""
    return projected.flatten(1, 2).unflatten(2, (3, attention.num_heads, -1)).permute(2, 0, 3, 1, 4)


def _positions(attention: EncoderAttention, q: Tensor, height: int, width: int) -> tuple[Tensor, Tensor] | None:
    """What the relative positions add to the scores of queries (G, N, d): by row (G, N, h) and by column (G, N, w)."""
    if not attention.use_rel_pos:
        return None
    placed = q.reshape(len(q), height, width, -1)
    by_row = torch.einsum("ghwd,hkd->ghwk", placed, _relative(height, attention.rel_pos_h))
    by_column = torch.einsum("ghwd,wkd->ghwk", placed, _relative(width, attention.rel_pos_w))
    return by_row.flatten(1, 2), by_column.flatten(1, 2)


def _relative(size: int, table: Tensor) -> Tensor:
    """Learned vectors (size, size, d) of a table (2 size - 1, d); the package's own index would wait for a GPU."""
    if len(table) != 2 * size - 1:
        return get_rel_pos(size, size, table)
    places = torch.arange(size, device=table.device)
    return table[places[:, None] - places + size - 1]


def _placed(
    q: Tensor, k: Tensor, positions: tuple[Tensor, Tensor] | None
) -> tuple[Tensor, Tensor, tuple[Tensor, Tensor] | None]:
    """Queries and keys whose product includes the positions, where that costs less than adding them.

    A key's row and column become further channels, one of them 1 and the others 0. In a window they are few, while the
    additions run over 14 numbers at a time, which takes bfloat16 longer than all the rest.
    """
    if positions is None or positions[0].shape[2] + positions[1].shape[2] >= q.shape[2]:
        return q, k, positions
    height, width = (part.shape[2] for part in positions)
    rows = torch.eye(height, dtype=k.dtype, device=k.device).repeat_interleave(width, dim=0)
    columns = torch.eye(width, dtype=k.dtype, device=k.device).repeat(height, 1)
    place = torch.cat([rows, columns], dim=1).expand(len(k), -1, -1)  # (G, N, h + w)
    return torch.cat([q, *positions], dim=2), torch.cat([k, place], dim=2), None


def _in_pieces(q: Tensor, k: Tensor, positions: tuple[Tensor, Tensor] | None, v: Tensor) -> Tensor:
    """softmax(q k^T + positions) v for scaled queries, keys and values (G, N, d), some rows at a time."""
    groups, tokens, _ = q.shape
    mixed = torch.empty_like(v)
    step = max(1, SCORES_AT_ONCE // tokens**2)
    rows = tokens if step > 1 else max(1, SCORES_AT_ONCE // tokens)
    for first in range(0, groups, step):
        some = slice(first, first + step)
        keys, values = _multiplier(k[some].transpose(1, 2)), _multiplier(v[some])
        for start in range(0, tokens, rows):
            these = (some, slice(start, start + rows))
            scores = keys(q[these])
            if positions is not None:
                _add_positions(scores, *(part[these] for part in positions))
            mixed[these] = values(scores.softmax(dim=-1))
    return mixed


def _add_positions(scores: Tensor, by_row: Tensor, by_column: Tensor) -> None:
    grid = scores.unflatten(2, (by_row.shape[2], by_column.shape[2]))
    grid += by_row[..., :, None]
    grid += by_column[..., None, :]


def _multiplier(right: Tensor) -> Callable[[Tensor], Tensor]:
    """Multiplication by `right` (G, K, M): of (G, n, K) to (G, n, M)."""
    if len(right) > 1:
        return lambda left: left @ right
    transposed = right[0].t().contiguous()
    return lambda left: product(left[0], transposed)[None]
