"""Progressive prompt tokenization (PPT): figure 3 and section 3.4. Prompt tokens generated from the image itself.

B: images. D: channels of the embedding. h, w: its grid. Q: learnable queries, one per prompt token.
"""

import torch
from torch import Tensor, nn

MLP_RATIO = 4


class PromptTokenizer(nn.Module):
    """Learnable queries that attend to the normalised image features, then an MLP beside a residual.

    Args:
        dim: D.
        heads: of the attention.
        queries: Q.
    """

    def __init__(self, dim: int, heads: int, queries: int) -> None:
        super().__init__()
        self.query = nn.Parameter(torch.randn(queries, dim))
        self.ln_in = nn.LayerNorm(dim)
        self.pos_proj = nn.Linear(2, dim)
        self.attn = nn.MultiheadAttention(dim, heads, batch_first=True)
        self.mlp = nn.Sequential(nn.Linear(dim, MLP_RATIO * dim), nn.GELU(), nn.Linear(MLP_RATIO * dim, dim))
        self.ln_out = nn.LayerNorm(dim)

    def forward(self, embeddings: Tensor) -> Tensor:
        """Prompt tokens (B, Q, D) of image embeddings (B, D, h, w). The residual does not include the queries."""
        batch, _, height, width = embeddings.shape
        features = self.ln_in(embeddings.flatten(2).transpose(1, 2))  # (B, h * w, D)
        features = features + self.pos_proj(_places(height, width, features))
        query = self.query.expand(batch, -1, -1)  # (B, Q, D)
        seen, _ = self.attn(query, features, features, need_weights=False)
        return self.ln_out(seen + self.mlp(seen))


def _places(height: int, width: int, like: Tensor) -> Tensor:
    """Coordinates (h * w, 2), x before y, from -1 to 1, row by row."""
    axes = (torch.linspace(-1, 1, size, device=like.device, dtype=like.dtype) for size in (height, width))
    y, x = torch.meshgrid(*axes, indexing="ij")
    return torch.stack([x, y], dim=-1).flatten(0, 1)
