"""What SegMoTE can be, in one frozen value: its sizes, and all in which paper and released code differ.

`RELEASED` reproduces the released code and loads its weights. `PAPER` follows the text of section 3 where it is
explicit, but for the base, which is IMIS-Net, of width 768 and nine output tokens. `on_sam` is SAM, of 256 and five, as
the text has it; then PPT cannot have the 7 million parameters of table 3. Fields can be mixed: an ablation is a
`dataclasses.replace`.

Source: Lu et al., SegMoTE; InMyDreammer/SegMoTE at 77668f0, its router at ba6e178.
"""

from dataclasses import dataclass, replace
from typing import Literal

from segmote.imis.mask_decoder import MASKS
from segmote.imis.network import ImisConfig

SAM_DIM, SAM_EPSILON = 256, 1e-6
GateMode = Literal["topk_softmax", "straight_through", "softmax_all"]


@dataclass(frozen=True, slots=True)
class SegmoteConfig(ImisConfig):
    """Sizes and rules of the network; the defaults are the released ones.

    Those of the IMIS network below it come first: width `dim` of tokens and embeddings, encoder, decoder depth.

    Attributes:
        image_size: side of the square input, a multiple of the encoder's patch.
        base: whose weights it starts from. IMIS-Net's have four semantic tokens among the output tokens, and a text
            tower; SAM's, which the paper names, have neither.
        num_experts: N, of expert tokens, of their heads and of the routed experts of each layer (N of N:M, fig. 6).
        top_k: experts that update a token (M of N:M).
        expert_rank: channels inside an expert branch.
        ppt_queries: Q, the prompt tokens that PPT makes (table 4); 0 leaves PPT out.
        gate_mode: the gates' values (eq. 5), see `segmote.router`.
        importance: gates are summed by token and expert, or, as in eq. 7, by expert.
        load: while noisy the sum of the gates, or, as in eq. 7 and without a gradient, their number.
        balance_layers: layers whose balance loss counts: the last one, or the mean over all.
        expert_residual: a token keeps itself beside what its experts make of it (eq. 6 says no).
        zero_guard: an expert sum of exactly 0 becomes 2e-16, as the released code has it.
        expert_features: masks are drawn on the sum of three branches, or on SAM's upscaled features alone.
        ppt_insert: PPT's tokens stand in for the prompts' tokens, or beside them ("concatenated", section 3.1).
    """

    image_size: int = 512
    base: Literal["imis", "sam"] = "imis"
    num_experts: int = 4
    top_k: int = 1
    expert_rank: int = 64
    ppt_queries: int = 2
    gate_mode: GateMode = "straight_through"
    importance: Literal["token_expert", "expert"] = "token_expert"
    load: Literal["gate_sum", "count"] = "gate_sum"
    balance_layers: Literal["last", "all"] = "last"
    expert_residual: bool = False
    zero_guard: bool = True
    expert_features: Literal["fused", "upscaled"] = "fused"
    ppt_insert: Literal["replace", "append"] = "replace"

    def __post_init__(self) -> None:
        if self.num_experts < 2:
            raise ValueError(f"num_experts must be at least 2, or there is nothing to route, got {self.num_experts}")
        if not 1 <= self.top_k <= self.num_experts:
            raise ValueError(f"top_k must lie in 1..{self.num_experts} (num_experts), got {self.top_k}")
        if self.ppt_queries < 0:
            raise ValueError(f"ppt_queries must be 0 (no PPT) or more, got {self.ppt_queries}")

    @property
    def output_tokens(self) -> int:
        """Learned tokens that stand before the expert tokens: predicted IoU, masks, semantics."""
        return 1 + MASKS + self.semantic_tokens

    @property
    def semantic_tokens(self) -> int:
        """Those of the output tokens that the base has for the names of classes."""
        return MASKS if self.base == "imis" else 0


def by_the_paper(config: SegmoteConfig) -> SegmoteConfig:
    """A network of the same sizes with the rules of section 3."""
    return replace(
        config,
        gate_mode="softmax_all",
        importance="expert",
        load="count",
        balance_layers="all",
        zero_guard=False,
        ppt_insert="append",
    )


def on_sam(config: SegmoteConfig, dim: int = SAM_DIM) -> SegmoteConfig:
    """The same network on top of SAM, whose tokens and embeddings have `dim` channels.

    SAM's layer norms have another epsilon than timm's.
    """
    return replace(config, base="sam", dim=dim, encoder=replace(config.encoder, epsilon=SAM_EPSILON))


RELEASED = SegmoteConfig()
PAPER = by_the_paper(RELEASED)
