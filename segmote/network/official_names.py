"""Tensor names in the official weights files, and which version of the router the weights were trained with."""

from collections.abc import Mapping

from torch import Tensor

from segmote.network.config import GateMode

PREFIXES = ("module.", "sam.", "model.")
LEGACY_NAMES = {
    "mask_decoder.hq_token": "mask_decoder.expert_tokens",
    "mask_decoder.hq_mlp": "mask_decoder.expert_mlp",
    "mask_decoder.output_hypernetworks_mlps_hq": "mask_decoder.expert_output_mlps",
    "mask_decoder.embedding_encoder": "mask_decoder.expert_embedding_encoder",
    "mask_decoder.embedding_maskfeature": "mask_decoder.expert_feature_fusion",
}
# From SAM's names of the encoder to ours. The neck keeps its name: it lies beside timm's encoder, not inside it.
SAM_NECK = "image_encoder.neck."
SAM_ENCODER = {"image_encoder.": "image_encoder.sam_encoder.", ".mlp.lin1.": ".mlp.fc1.", ".mlp.lin2.": ".mlp.fc2."}
# What IMIS-Net has in addition to SAM's parts, and timm's neck, which no pass uses.
NOT_SAMS = (
    "text_model.",
    "text_out_dim.",
    "mask_decoder.semantic_",
    "mask_decoder.text_output.",
    "image_encoder.sam_encoder.neck.",
)
# Stored in official files but never used; a file may lack them.
UNUSED = (".dte", ".dteall", ".mean", ".std", "mask_decoder.expert_mlp", ".text_token", ".boxApoint_token")
ROUTERS = (".w_gate_token", ".w_noise_token")


def current_name(key: str) -> str:
    """A tensor's name in the network, from its name in a file of any age.

    >>> current_name("module.mask_decoder.hq_token.weight")
    'mask_decoder.expert_tokens.weight'
    """
    while key.startswith(PREFIXES):
        key = key.partition(".")[2]
    for old, new in LEGACY_NAMES.items():
        if key.startswith(f"{old}."):
            return new + key.removeprefix(old)
    return key


def name_of_sams(key: str) -> str:
    """The name that IMIS-Net and SegMoTE have for one of SAM's tensors.

    >>> name_of_sams("image_encoder.blocks.0.mlp.lin1.bias")
    'image_encoder.sam_encoder.blocks.0.mlp.fc1.bias'
    """
    if not key.startswith("image_encoder.") or key.startswith(SAM_NECK):
        return key
    for old, new in SAM_ENCODER.items():
        key = key.replace(old, new)
    return key


def is_unused(key: str) -> bool:
    """True for a tensor that no pass through the network uses.

    >>> is_unused("mask_decoder.transformer.layers.0.dte.bias"), is_unused("mask_decoder.transformer.layers.0.std")
    (True, True)
    >>> is_unused("mask_decoder.transformer.layers.0.dte_token.bias")
    False
    """
    return any(f"{name}." in f"{key}." for name in UNUSED)


def implied_gate(state: Mapping[str, Tensor]) -> GateMode:
    """Which of the two released routers the weights were trained with, inferred from the routers' values.

    Both start at zero. The first ("topk_softmax") gives them no gradient, so they stay zero, and the order
    among equals decides; the second ("straight_through") moves them.

    Raises:
        ValueError: there is no router among the tensors.
    """
    routers = [value for key, value in state.items() if key.endswith(ROUTERS)]
    if not routers:
        raise ValueError(f"not weights of SegMoTE: no name ends in {' or '.join(ROUTERS)}")
    return "straight_through" if any(bool(value.any()) for value in routers) else "topk_softmax"
