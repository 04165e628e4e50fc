"""What the official weights files call things, and what they tell about the router they were trained with."""

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
# SAM's names of the encoder to ours. The neck keeps its own: it lies beside timm's encoder, not in it.
SAM_NECK = "image_encoder.neck."
SAM_ENCODER = {"image_encoder.": "image_encoder.sam_encoder.", ".mlp.lin1.": ".mlp.fc1.", ".mlp.lin2.": ".mlp.fc2."}
# What IMIS-Net has beside SAM's parts, and timm's neck, which no pass reads.
NOT_SAMS = (
    "text_model.",
    "text_out_dim.",
    "mask_decoder.semantic_",
    "mask_decoder.text_output.",
    "image_encoder.sam_encoder.neck.",
)
# Stored in official files, never used; a file may do without.
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
    """True for what no pass through the network ever reads.

    >>> is_unused("mask_decoder.transformer.layers.0.dte.bias"), is_unused("mask_decoder.transformer.layers.0.std")
    (True, True)
    >>> is_unused("mask_decoder.transformer.layers.0.dte_token.bias")
    False
    """
    return any(f"{name}." in f"{key}." for name in UNUSED)


def implied_gate(state: Mapping[str, Tensor]) -> GateMode:
    """Which of the two released routers weights were trained with, told by the routers' values.

    Both start at zero. The first ("topk_softmax") gives them no gradient, so zero they stay, and all is decided by the
    order among equals; the second ("straight_through") moves them.

    Raises:
        ValueError: no router in there.
    """
    routers = [value for key, value in state.items() if key.endswith(ROUTERS)]
    if not routers:
        raise ValueError(f"these are no weights of SegMoTE: no name ends in {' or '.join(ROUTERS)}")
    return "straight_through" if any(bool(value.any()) for value in routers) else "topk_softmax"
