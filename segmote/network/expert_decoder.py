"""SegMoTE's mask decoder: figure 2, middle; sections 3.1 and 3.2.

    output tokens ─┐            ┌──────── decoder layer, twice ────────┐
    expert tokens ─┼─ tokens ──►│ self-attention                       │──► token to image ──► expert heads ─┐
    prompt tokens ─┘            │ token to image                       │                                     × ──► masks
                                │ MoTE (expert tokens) or MLP (others) │                                     │
    image embedding ─ pixels ──►│ image to token                       │──► upscaled ──► expert features ────┘
    + mask prompt               └──────────────────────────────────────┘

Each expert token yields a mask; the result is the mask of the token that the last router chose.

B: rows, that is image x prompt. D: `dim`. h, w: grid of the embedding. P: prompt tokens. N: `num_experts`, the T and E
of section 3.3. L: decoder layers. O: output tokens. S: channels of a semantic vector.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from segmote.imis.mask_decoder import HEAD_LAYERS, MASKS, Candidates, SemanticMaskDecoder
from segmote.network.config import SegmoteConfig
from segmote.network.decoder_layer import ExpertTransformer
from segmote.network.prompt_tokens import PromptTokenizer
from segmote.network.router import Routing, largest
from segmote.sam import MLP, LayerNorm2d


@dataclass(frozen=True, slots=True, eq=False)
class ExpertMasks(Candidates):
    """The decoder's output for B prompts: one mask per expert token, one of which is the result.

    `scores` come from the IoU token, which was trained with SAM's masks: they do not rate the expert masks.

    Attributes:
        logits: (B, N, 4h, 4w) the masks.
        scores: (B, 4) predicted IoU.
        semantics: (B, 4, S); (B, 0, S) on SAM, which has none.
        routings: one per layer; empty if MoTE was omitted.
    """

    routings: tuple[Routing, ...]

    @property
    def token(self) -> Tensor:
        """(B,) index of the result: the last layer's choice. Without MoTE, that of the best predicted IoU of 1..3."""
        return self.routings[-1].token if self.routings else self._best

    @property
    def mask(self) -> Tensor:
        """(B, 1, 4h, 4w) the result."""
        return self.logits[torch.arange(len(self.token), device=self.token.device), self.token, None]

    @property
    def score(self) -> Tensor:
        """(B,) the best of the predicted IoUs 1..3, as the released code reports it."""
        return self.scores[:, 1:].amax(dim=1)

    @property
    def semantic(self) -> Tensor:
        """(B, S) the semantic vector that belongs to that score."""
        return self.semantics[torch.arange(len(self._best), device=self._best.device), self._best]

    @property
    def _best(self) -> Tensor:
        return 1 + largest(self.scores[:, 1:], 1)[1][:, 0]


class ExpertMaskDecoder(SemanticMaskDecoder):
    """IMIS's mask decoder with expert tokens, one head per token, and the features from which masks are computed.

    Of the official names `img_prompt_pool` is PPT, `expert_output_mlps` are the expert heads (the paper's MLP layers),
    `compress_vit_feat`, `expert_embedding_encoder` and `expert_feature_fusion` the branches of the expert features.
    The parent's mask heads are never run. `expert_mlp`, `text_token` and `boxApoint_token` are stored but never used.
    """

    def __init__(self, config: SegmoteConfig) -> None:
        dim, out = config.dim, config.dim // 8
        super().__init__(dim, ExpertTransformer(config), config.head, config.semantic)
        self.config = config
        self.semantic_tokens = nn.Embedding(config.semantic_tokens, dim)
        self.expert_tokens = nn.Embedding(config.num_experts, dim)
        self.expert_output_mlps = nn.ModuleList(MLP(dim, dim, out, HEAD_LAYERS) for _ in range(config.num_experts))
        self.compress_vit_feat = _upscaling(config.encoder.width, dim, out)
        self.expert_embedding_encoder = _upscaling(dim, dim // 4, out)
        self.expert_feature_fusion = nn.Sequential(
            nn.Conv2d(out, dim // 4, kernel_size=3, padding=1),
            LayerNorm2d(dim // 4),
            nn.GELU(),
            nn.Conv2d(dim // 4, out, kernel_size=3, padding=1),
        )
        self.img_prompt_pool = PromptTokenizer(dim, config.heads, config.ppt_queries) if config.ppt_queries else None
        self.expert_mlp = MLP(dim, dim, out, HEAD_LAYERS).requires_grad_(False)
        self.text_token, self.boxApoint_token = (nn.Embedding(1, dim).requires_grad_(False) for _ in range(2))

    def details(self, embeddings: Tensor, early: Tensor) -> Tensor:
        """The part (B, D / 8, 4h, 4w) of the expert features that depends on the image alone.

        Args:
            embeddings: (B, D, h, w).
            early: (B, encoder's width, h, w), the encoder's grid after its first global block.
        """
        return self.expert_embedding_encoder(embeddings) + self.compress_vit_feat(early)

    def prompt_tokens(self, embeddings: Tensor, sparse: Tensor) -> Tensor:
        """The prompt tokens followed by PPT's (B, P + Q, D), or PPT's alone (B, Q, D), as configured.

        Args:
            embeddings: (B, D, h, w) of the images, or (1, D, h, w) for all.
            sparse: (B, P, D) prompt tokens; (1, 0, D) without a prompt.

        Raises:
            ValueError: the network was made without PPT.
        """
        if self.img_prompt_pool is None:
            raise ValueError("without a prompt the network needs PPT, but ppt_queries is 0; give a prompt")
        made = self.img_prompt_pool(embeddings)
        made, sparse = (part.expand(max(len(made), len(sparse)), -1, -1) for part in (made, sparse))
        return made if self.config.ppt_insert == "replace" else torch.cat([sparse, made], dim=1)

    def forward(
        self,
        embeddings: Tensor,
        positions: Tensor,
        sparse: Tensor,
        dense: Tensor,
        text: Tensor | None = None,
        details: Tensor | None = None,
        noise: Tensor | bool | None = None,
        mote: bool = True,
    ) -> ExpertMasks:
        """All masks of B prompts, each on its own image.

        Args:
            embeddings: (B, D, h, w) of the images, or (1, D, h, w) for all.
            positions: (1, D, h, w) positional encoding of the grid.
            sparse: (B, P, D) prompt tokens.
            dense: (B, D, h, w) embedded masks, or (1, D, h, w) for all. Where embeddings are for all too, the first
                layer projects the image once.
            text: (B, D) vectors that were also given as tokens; they add one map to all masks.
            details: the output of the method `details`; not needed if expert features are "upscaled".
            noise: (L, B, N, N) draws from N(0, 1) for the routers; True: draw them here; False: no noise; None: noise
                in training mode only.
            mote: False omits MoTE.

        Raises:
            ValueError: details are missing.
        """
        # A pixel's channels lie side by side, as the transformer reads them; it takes one image for all tokens.
        source, positions = (
            part.contiguous(memory_format=torch.channels_last) for part in (embeddings + dense, positions)
        )
        rows = max(len(source), len(sparse))
        tokens = self._tokens(sparse.expand(rows, -1, -1))  # (B, O + N + P, D)
        tokens, pixels, routings = self.transformer(source, positions, tokens, self._noise(noise, rows), mote)
        upscaled = self.output_upscaling(pixels.transpose(1, 2).reshape(rows, *source.shape[1:]))  # (B, D / 8, 4h, 4w)
        fixed, experts = self.config.output_tokens, self.config.num_experts
        output, expert, _ = tokens.tensor_split((fixed, fixed + experts), dim=1)
        return ExpertMasks(
            logits=torch.einsum("bnc,bchw->bnhw", self._kernels(expert, text), self._features(upscaled, details)),
            scores=self.iou_prediction_head(output[:, 0]),
            semantics=self.semantic_prediction_head(output[:, 1 + MASKS :]),
            routings=routings,
        )

    def _tokens(self, sparse: Tensor) -> Tensor:
        tables = (self.iou_token, self.mask_tokens, self.semantic_tokens, self.expert_tokens)
        learned = torch.cat([table.weight for table in tables])  # (O + N, D)
        return torch.cat([learned.expand(len(sparse), -1, -1), sparse], dim=1)

    def _noise(self, noise: Tensor | bool | None, rows: int) -> Tensor | None:
        if isinstance(noise, Tensor):
            return noise
        wanted = self.training if noise is None else noise
        experts, device = self.config.num_experts, self.expert_tokens.weight.device
        return torch.randn(self.config.layers, rows, experts, experts, device=device) if wanted else None

    def _kernels(self, experts: Tensor, text: Tensor | None) -> Tensor:
        """The vectors (B, N, D / 8) that are multiplied with the features, from the expert tokens (B, N, D)."""
        heads = zip(self.expert_output_mlps, experts.unbind(1), strict=True)
        kernels = torch.stack([head(token) for head, token in heads], dim=1)
        return kernels if text is None else kernels + self.text_output(text)[:, None]

    def _features(self, upscaled: Tensor, details: Tensor | None) -> Tensor:
        if self.config.expert_features == "upscaled":
            return upscaled
        if details is None:
            raise ValueError("expert features need the image's details; pass the output of `Segmote.details`")
        return self.expert_feature_fusion(upscaled) + details


def _upscaling(into: int, middle: int, out: int) -> nn.Sequential:
    """From (B, into, h, w) to (B, out, 4h, 4w)."""
    return nn.Sequential(
        nn.ConvTranspose2d(into, middle, kernel_size=2, stride=2),
        LayerNorm2d(middle),
        nn.GELU(),
        nn.ConvTranspose2d(middle, out, kernel_size=2, stride=2),
    )
