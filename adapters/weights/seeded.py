"""Weights that are a function of their names: for proofs and speed, where trained ones are not at hand.

Untrained networks will not do for a proof: their tables of positions are zero, so that a mistake there changes nothing.
"""

import hashlib

import numpy as np
import torch

# The random directions on which SAM's points are projected, as SAM and transformers name them.
GAUSSIAN = ("positional_encoding_gaussian_matrix", "embedding.positional_embedding")


def seed_weights(network: torch.nn.Module) -> None:
    """Fill a network's floating-point tensors, buffers included; whole numbers stay."""
    with torch.no_grad():
        for key, value in network.state_dict().items():
            if value.is_floating_point():
                value.copy_(seeded(key, value))


def seeded(key: str, value: torch.Tensor) -> torch.Tensor:
    """The tensor of that name and shape, of the size of a trained one; the golden files were made with these."""
    seed = int.from_bytes(hashlib.sha256(key.encode()).digest()[:8], "little")
    z = np.random.default_rng(seed).standard_normal(tuple(value.shape)).astype(np.float32)
    if not key.endswith(GAUSSIAN):
        if z.ndim >= 2:
            z *= np.float32(max(0.02, 1 / np.sqrt(z[0].size)))
        else:
            z = np.float32(key.endswith("weight")) + np.float32(0.02) * z
    return torch.from_numpy(z)
