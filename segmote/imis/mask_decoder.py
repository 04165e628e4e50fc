"""IMIS-Net's prompt encoder and mask decoder: SAM's, with text and semantic tokens.

Source: uni-medical/IMIS-Bench at f4519c0; the modules are those of `segment_anything`.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from segmote.sam import MLP, MaskDecoder, PromptEncoder

MASKS = 4
HEAD_LAYERS = 3


@dataclass(frozen=True, slots=True, eq=False)
class Candidates:
    """The decoder's output for B prompts; candidate 0 is that of SAM's single-mask mode.

    Attributes:
        logits: (B, 4, 4h, 4w) masks.
        scores: (B, 4) predicted IoU, not confined to 0..1.
        semantics: (B, 4, S) vectors to compare with those of category names.
    """

    logits: Tensor
    scores: Tensor
    semantics: Tensor


class TextPromptEncoder(PromptEncoder):
    """SAM's prompt encoder with a text token after points and boxes."""

    def forward(
        self,
        points: tuple[Tensor, Tensor] | None,
        boxes: Tensor | None,
        masks: Tensor | None,
        text: Tensor | None = None,
    ) -> tuple[Tensor, Tensor]:
        """Tokens and dense embedding of B prompts.

        Args:
            points: (B, N, 2) coordinates in pixels of the network's input and (B, N) labels.
            boxes: (B, 4) x0, y0, x1, y1, likewise.
            masks: (B, 1, 4h, 4w) logits.
            text: (B, dim) vectors.

        Returns:
            (B, T, dim) and (B, dim, h, w).
        """
        sparse, dense = super().forward(points, boxes, masks)
        if text is None:
            return sparse, dense
        # With text alone SAM's encoder returns a batch of one.
        sparse, dense = (part.expand(len(text), *part.shape[1:]) for part in (sparse, dense))
        return torch.cat([sparse, text[:, None]], dim=1), dense


class SemanticMaskDecoder(MaskDecoder):
    """SAM's mask decoder with semantic tokens and a text term, for a batch of different images.

    Args:
        dim: channels of embeddings and tokens.
        transformer: SAM's two-way transformer or one that is called like it.
        head: hidden channels of the two prediction heads.
        semantic: channels of a semantic vector.
    """

    def __init__(self, dim: int, transformer: nn.Module, head: int, semantic: int) -> None:
        super().__init__(
            transformer_dim=dim,
            transformer=transformer,
            num_multimask_outputs=MASKS - 1,
            iou_head_depth=HEAD_LAYERS,
            iou_head_hidden_dim=head,
        )
        self.semantic_tokens = nn.Embedding(MASKS, dim)
        self.semantic_prediction_head = MLP(dim, head, semantic, HEAD_LAYERS)
        self.text_output = nn.Linear(dim, dim // 8)

    def forward(
        self, embeddings: Tensor, positions: Tensor, sparse: Tensor, dense: Tensor, text: Tensor | None = None
    ) -> Candidates:
        """All masks of B prompts, each on its own image.

        Args:
            embeddings: (B, dim, h, w) of the images, or (1, dim, h, w) for all.
            positions: (1, dim, h, w) positional encoding of the grid.
            sparse: (B, T, dim) prompt tokens.
            dense: (B, dim, h, w) embedded masks, or (1, dim, h, w) for all.
            text: (B, dim) vectors that were also given as tokens; they add one map to all masks.
        """
        # A pixel's channels lie side by side, as the transformer reads them; it takes one image for all tokens.
        source, positions = (
            part.contiguous(memory_format=torch.channels_last) for part in (embeddings + dense, positions)
        )
        tokens, pixels = self.transformer(source, positions, self._tokens(sparse))
        score, drawn, semantic, _ = tokens.split([1, MASKS, MASKS, sparse.shape[1]], dim=1)
        features = self.output_upscaling(pixels.transpose(1, 2).reshape(len(tokens), *source.shape[1:]))
        heads = zip(self.output_hypernetworks_mlps, drawn.unbind(1), strict=True)
        kernels = torch.stack([head(token) for head, token in heads], dim=1)
        if text is not None:
            kernels = kernels + self.text_output(text)[:, None]
        return Candidates(
            logits=torch.einsum("bmc,bchw->bmhw", kernels, features),
            scores=self.iou_prediction_head(score[:, 0]),
            semantics=self.semantic_prediction_head(semantic),
        )

    def _tokens(self, sparse: Tensor) -> Tensor:
        learned = torch.cat([self.iou_token.weight, self.mask_tokens.weight, self.semantic_tokens.weight])
        return torch.cat([learned.expand(len(sparse), -1, -1), sparse], dim=1)
