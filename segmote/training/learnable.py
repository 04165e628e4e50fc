"""Which parameters learn: the network's parts by name. Everything else, above all the encoder, stays as in the base.

The released code freezes whatever the base file happens to contain; a list is explicit and needs no such file.
"""

import math
from collections.abc import Mapping
from fnmatch import fnmatch

from torch import Tensor

from segmote.network.model import Segmote
from segmote.network.official_names import is_unused
from segmote.recipe import Recipe

MOTE = (
    "mask_decoder.expert_tokens.*",
    "mask_decoder.expert_output_mlps.*",
    "mask_decoder.compress_vit_feat.*",
    "mask_decoder.expert_embedding_encoder.*",
    "mask_decoder.expert_feature_fusion.*",
    "mask_decoder.transformer.layers.*.w_gate_token",
    "mask_decoder.transformer.layers.*.w_noise_token",
    "mask_decoder.transformer.layers.*.experts_token.*",
    "mask_decoder.transformer.layers.*.dte_token.*",
    "mask_decoder.transformer.layers.*.dteall_token.*",
    "mask_decoder.transformer.layers.*.proj_token.*",
)
PPT = ("mask_decoder.img_prompt_pool.*",)
PROMPTS = ("prompt_encoder.*", "text_out_dim.*")
DECODER = ("mask_decoder.*",)
# The released code intends to train these, but wraps them anew with each click, so its optimiser updates old copies.
STUCK = (
    "prompt_encoder.point_embeddings.0.weight",
    "prompt_encoder.point_embeddings.1.weight",
    "prompt_encoder.not_a_point_embed.weight",
)
# SAM's mask heads are stored, but no pass runs them.
NEVER_RUN = ("mask_decoder.output_hypernetworks_mlps.*",)
ROUTER = ("mask_decoder.transformer.layers.*.w_gate_token", "mask_decoder.transformer.layers.*.w_noise_token")


def patterns(recipe: Recipe) -> tuple[str, ...]:
    """Patterns of the names of the parameters that a recipe trains."""
    extra = (PROMPTS if recipe.train_prompts else ()) + (DECODER if recipe.train_decoder else ())
    return MOTE + PPT + extra


def learning(network: Segmote, recipe: Recipe) -> dict[str, Tensor]:
    """The parameters that a recipe trains, by name; switches gradients on for them and off for all others."""
    wanted, never = patterns(recipe), STUCK + NEVER_RUN
    chosen: dict[str, Tensor] = {}
    for name, value in network.named_parameters():
        value.requires_grad_(matches(name, wanted) and not matches(name, never) and not is_unused(name))
        if value.requires_grad:
            chosen[name] = value
    return chosen


def matches(name: str, wanted: tuple[str, ...]) -> bool:
    """Whether a parameter's name is among those wanted.

    >>> matches("mask_decoder.transformer.layers.1.w_gate_token", ROUTER)
    True
    """
    return any(fnmatch(name, pattern) for pattern in wanted)


def gradient_norm(parameters: Mapping[str, Tensor], wanted: tuple[str, ...] = ("*",)) -> float:
    """Norm of the gradients of the parameters wanted; those without one count as 0."""
    gradients = [value.grad for name, value in parameters.items() if value.grad is not None and matches(name, wanted)]
    return math.sqrt(sum(float(gradient.square().sum()) for gradient in gradients))
