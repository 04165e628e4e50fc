"""The decoder layers: figure 2, "decoder layer 1" and "decoder layer 2"; section 3.2.

Self-attention among the tokens, token-to-image attention, MoTE for the expert tokens, image-to-token attention.

B: rows, that is image x prompt. D: `dim`. h, w: grid of the embedding. L: layers. The tokens are, in this order, O
output tokens, N expert tokens (N is the T and E of section 3.3) and P prompt tokens.
"""

import torch
from torch import Tensor, nn

from segmote.network.config import SegmoteConfig
from segmote.network.experts import TokenExperts
from segmote.network.router import Routing
from segmote.sam import Attention, MLPBlock, TwoWayTransformer


class DecoderLayer(TokenExperts):
    """One layer of SAM's two-way transformer in which the expert tokens go through MoTE instead of the MLP.

    Args:
        config: sizes.
        first: in the first layer self-attention uses no positions and has no residual.
    """

    def __init__(self, config: SegmoteConfig, first: bool) -> None:
        super().__init__(config)
        dim, heads, narrowing = config.dim, config.heads, config.narrowing
        self.first = first
        self.self_attn = Attention(dim, heads)
        self.cross_attn_token_to_image = Attention(dim, heads, narrowing)
        self.cross_attn_image_to_token = Attention(dim, heads, narrowing)
        self.mlp = MLPBlock(dim, config.mlp, nn.ReLU)
        self.norm1, self.norm2, self.norm3, self.norm4 = (nn.LayerNorm(dim) for _ in range(4))

    def forward(
        self, tokens: Tensor, pixels: Tensor, places: tuple[Tensor, Tensor], noise: Tensor | None, mote: bool
    ) -> tuple[Tensor, Tensor, Routing | None]:
        """Tokens and pixels after the layer, and how the expert tokens were routed.

        Args:
            tokens: (B, O + N + P, D) output, expert and prompt tokens.
            pixels: (B, h * w, D) image features, or (1, h * w, D) for all rows.
            places: positional encodings of both: the initial tokens, and those of the grid.
            noise: (B, N, N) for the router, or None.
            mote: False omits MoTE, and with it the MLP.
        """
        token_places, pixel_places = places
        tokens = self.norm1(self._self_attention(tokens, token_places))
        seen = self.cross_attn_token_to_image(q=tokens + token_places, k=pixels + pixel_places, v=pixels)
        tokens, routing = self.norm2(tokens + seen), None
        if mote:
            tokens, routing = self._specialise(tokens, noise)
        seen = self.cross_attn_image_to_token(q=pixels + pixel_places, k=tokens + token_places, v=tokens)
        return tokens, self.norm4(pixels + seen), routing

    def _self_attention(self, tokens: Tensor, places: Tensor) -> Tensor:
        if self.first:
            return self.self_attn(q=tokens, k=tokens, v=tokens)
        placed = tokens + places
        return tokens + self.self_attn(q=placed, k=placed, v=tokens)

    def _specialise(self, tokens: Tensor, noise: Tensor | None) -> tuple[Tensor, Routing]:
        fixed, experts = self.config.output_tokens, self.config.num_experts
        output, expert, prompt = tokens.tensor_split((fixed, fixed + experts), dim=1)
        output, prompt = (self.norm3(part + self.mlp(part)) for part in (output, prompt))
        expert, routing = self.update(expert, noise)
        return torch.cat([output, expert, prompt], dim=1), routing


class ExpertTransformer(TwoWayTransformer):
    """The decoder layers and the final token-to-image attention."""

    def __init__(self, config: SegmoteConfig) -> None:
        super().__init__(0, config.dim, config.heads, config.mlp, attention_downsample_rate=config.narrowing)
        self.layers = nn.ModuleList(DecoderLayer(config, first=index == 0) for index in range(config.layers))

    def forward(
        self, image: Tensor, positions: Tensor, tokens: Tensor, noise: Tensor | None, mote: bool
    ) -> tuple[Tensor, Tensor, tuple[Routing, ...]]:
        """Tokens (B, O + N + P, D), pixels (B, h * w, D) and the layers' routings.

        Args:
            image: (B, D, h, w) features, or (1, D, h, w) for all rows.
            positions: (1, D, h, w) their positional encoding.
            tokens: (B, O + N + P, D).
            noise: (L, B, N, N) for the routers, or None.
            mote: False omits MoTE.
        """
        pixels, pixel_places = (part.flatten(2).transpose(1, 2) for part in (image, positions))  # (B, h * w, D)
        places, routings = (tokens, pixel_places), []
        for index, layer in enumerate(self.layers):
            tokens, pixels, routing = layer(tokens, pixels, places, None if noise is None else noise[index], mote)
            routings += [routing] if mote else []
        seen = self.final_attn_token_to_image(q=tokens + places[0], k=pixels + pixel_places, v=pixels)
        return self.norm_final_attn(tokens + seen), pixels, tuple(routings)
