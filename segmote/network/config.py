"""SegMoTE's configuration: its sizes, and every choice in which paper and released code differ.

`RELEASED` reproduces the released code and loads its weights. `PAPER` follows the text of section 3 where it is
explicit, except for the base, which is IMIS-Net with width 768 and nine output tokens. `on_sam` puts it on SAM, with
width 256 and five output tokens, as in the text; but then PPT cannot have the 7 million parameters of table 3.
Fields can be mixed: an ablation is a `dataclasses.replace`.

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

    The inherited fields are those of the IMIS network: width `dim` of tokens and embeddings, encoder, decoder depth.

    Attributes:
        image_size: side of the square input, a multiple of the encoder's patch.
        base: the network whose weights it starts from. IMIS-Net has four semantic tokens among the output tokens, and a
            text tower; SAM, which the paper names, has neither.
        num_experts: N, of expert tokens, of their heads and of the routed experts of each layer (N of N:M, fig. 6).
        top_k: experts that update a token (M of N:M).
        expert_rank: channels inside an expert branch.
        ppt_queries: Q, the prompt tokens that PPT generates (table 4); 0 omits PPT.
        gate_mode: the gates' values (eq. 5), see `segmote.network.router`.
        importance: gates are summed per token and expert, or, as in eq. 7, per expert.
        load: the sum of the gates (while noise is added), or, as in eq. 7 and without a gradient, their number.
        balance_layers: the balance loss is that of the last layer, or the mean over all layers.
        expert_residual: a token is added to its experts' output (not so in eq. 6).
        zero_guard: an expert sum of exactly 0 becomes 2e-16, as in the released code.
        expert_features: masks are computed from the sum of three branches, or from SAM's upscaled features alone.
        ppt_insert: PPT's tokens replace the prompts' tokens, or are appended to them ("concatenated", section 3.1).
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
            raise ValueError(f"num_experts must be at least 2, else there is nothing to route; got {self.num_experts}")
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
        """The number of output tokens for class semantics, which only IMIS-Net has."""
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

    SAM's layer norms have a different epsilon from timm's.
    """
    return replace(config, base="sam", dim=dim, encoder=replace(config.encoder, epsilon=SAM_EPSILON))


RELEASED = SegmoteConfig()
PAPER = by_the_paper(RELEASED)
