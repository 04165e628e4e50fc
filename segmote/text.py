"""CLIP's text tower (that of ViT-B/32).

It is written out here although `transformers` has it: the official weights files hold it, so it belongs to the network
from the start, and importing `transformers` takes seconds that no box prompt should pay. A test holds the two together.

Source: Radford et al., Learning transferable visual models from natural language supervision, ICML 2021; names of the
weights as in transformers 4.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

EMBEDDING_STD = 0.02


@dataclass(frozen=True, slots=True)
class TextConfig:
    """Sizes of the text tower; the defaults are CLIP's.

    Attributes:
        vocabulary: number of token ids; the last but one starts a sentence, the last ends it.
        width, depth, heads: of the layers.
        positions: longest sentence in tokens.
    """

    vocabulary: int = 49408
    width: int = 512
    depth: int = 12
    heads: int = 8
    positions: int = 77


class TextTower(nn.Module):
    """A causal transformer whose state at the sentence's end stands for the sentence."""

    def __init__(self, config: TextConfig) -> None:
        super().__init__()
        self.end = config.vocabulary - 1
        # The official names start with "text_model" twice, once for the network's part and once for this one.
        self.text_model = CausalTransformer(config)

    def forward(self, ids: Tensor) -> Tensor:
        """Vectors (B, width) of sentences (B, T): the last state at each one's first end id.

        What follows that id has no influence, so padding needs no mask.
        """
        states = self.text_model(ids)
        ends = (ids == self.end).int().argmax(dim=1)
        return states[torch.arange(len(ids), device=ids.device), ends]


class CausalTransformer(nn.Module):
    """Tokens to states, each knowing of itself and those before it."""

    def __init__(self, config: TextConfig) -> None:
        super().__init__()
        token = nn.Embedding(config.vocabulary, config.width)
        position = nn.Embedding(config.positions, config.width)
        for table in (token, position):
            nn.init.normal_(table.weight, std=EMBEDDING_STD)
        self.embeddings = nn.ModuleDict({"token_embedding": token, "position_embedding": position})
        layers = nn.Sequential(*(Layer(config.width, config.heads) for _ in range(config.depth)))
        self.encoder = nn.ModuleDict({"layers": layers})
        self.final_layer_norm = nn.LayerNorm(config.width)

    def forward(self, ids: Tensor) -> Tensor:
        """States (B, T, width) of tokens (B, T)."""
        positions = torch.arange(ids.shape[1], device=ids.device)
        states = self.embeddings["token_embedding"](ids) + self.embeddings["position_embedding"](positions)
        return self.final_layer_norm(self.encoder["layers"](states))


class Layer(nn.Module):
    """Attention and MLP, each after a layer norm and beside a residual."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.self_attn = CausalAttention(width, heads)
        self.layer_norm1 = nn.LayerNorm(width)
        self.mlp = nn.ModuleDict({"fc1": nn.Linear(width, 4 * width), "fc2": nn.Linear(4 * width, width)})
        self.layer_norm2 = nn.LayerNorm(width)

    def forward(self, states: Tensor) -> Tensor:
        """The next states (B, T, width)."""
        states = states + self.self_attn(self.layer_norm1(states))
        hidden = self.mlp["fc1"](self.layer_norm2(states))
        return states + self.mlp["fc2"](hidden * torch.sigmoid(1.702 * hidden))


class CausalAttention(nn.Module):
    """Multi-head attention of each token to itself and to those before it."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.q_proj, self.k_proj, self.v_proj, self.out_proj = (nn.Linear(width, width) for _ in range(4))

    def forward(self, states: Tensor) -> Tensor:
        """What the tokens (B, T, width) see, in the same shape."""
        parts = (project(states) for project in (self.q_proj, self.k_proj, self.v_proj))
        query, key, value = (part.unflatten(-1, (self.heads, -1)).transpose(1, 2) for part in parts)
        seen = F.scaled_dot_product_attention(query, key, value, is_causal=True)
        return self.out_proj(seen.transpose(1, 2).flatten(2))
