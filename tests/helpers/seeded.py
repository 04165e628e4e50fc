"""Weights that are a function of their names, as the stored outputs of the official code were made with."""

import hashlib

import numpy as np
import torch


def seeded(key: str, value: torch.Tensor) -> torch.Tensor:
    seed = int.from_bytes(hashlib.sha256(key.encode()).digest()[:8], "little")
    z = np.random.default_rng(seed).standard_normal(tuple(value.shape)).astype(np.float32)
    if not key.endswith("positional_encoding_gaussian_matrix"):
        if z.ndim >= 2:
            z *= np.float32(max(0.02, 1 / np.sqrt(z[0].size)))
        else:
            z = np.float32(key.endswith("weight")) + np.float32(0.02) * z
    return torch.from_numpy(z)


def seed_weights(network: torch.nn.Module) -> None:
    with torch.no_grad():
        for key, value in network.state_dict().items():
            if value.is_floating_point():
                value.copy_(seeded(key, value))


def fingerprint(network: torch.nn.Module) -> str:
    digest = hashlib.sha256()
    for key, value in sorted(network.state_dict().items()):
        if value.is_floating_point():
            digest.update(key.encode() + str(tuple(value.shape)).encode() + value.numpy().tobytes())
    return digest.hexdigest()
