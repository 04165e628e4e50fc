"""Networks without values, and what official ones hold, by name and shape."""

from typing import Any

import torch

from adapters.families.imis import MINI_VOCABULARY
from adapters.families.segmote import MINI
from segmote.imis.network import Imis, ImisConfig
from segmote.network.config import RELEASED, SegmoteConfig
from segmote.network.model import Segmote

GRID = MINI.image_size // MINI.encoder.patch
BOXES = torch.tensor([[8.0, 8, 90, 60], [100, 20, 200, 180]])


def shapes_only(config: SegmoteConfig = RELEASED) -> Segmote:
    """SegMoTE without values: names and shapes cost nothing."""
    with torch.device("meta"):
        return Segmote(config, MINI_VOCABULARY)


def imis_shapes(config: ImisConfig) -> Imis:
    """The same of IMIS-Net."""
    with torch.device("meta"):
        return Imis(config, MINI_VOCABULARY)


def count(module: torch.nn.Module) -> int:
    """Number of parameters."""
    return sum(parameter.numel() for parameter in module.parameters())


def linear(name: str, out: int, into: int) -> dict[str, tuple[int, ...]]:
    """Entries of a linear layer: name to shape, as in all that follow."""
    return {f"{name}.weight": (out, into), f"{name}.bias": (out,)}


def norm(name: str, width: int) -> dict[str, tuple[int, ...]]:
    """Entries of a layer norm."""
    return {f"{name}.weight": (width,), f"{name}.bias": (width,)}


def mlp(name: str, *widths: int) -> dict[str, tuple[int, ...]]:
    """Entries of linear layers between these widths."""
    steps = enumerate(zip(widths[1:], widths[:-1], strict=True))
    return merged(linear(f"{name}.layers.{layer}", out, into) for layer, (out, into) in steps)


def merged(parts: Any) -> dict[str, tuple[int, ...]]:
    """All entries of all parts."""
    return {name: shape for part in parts for name, shape in part.items()}


def network_of(config: SegmoteConfig) -> Segmote:
    """An untrained network, the same every time, whose routers are not zero."""
    torch.manual_seed(0)
    network = Segmote(config, MINI_VOCABULARY).eval()
    with torch.no_grad():
        for layer in network.mask_decoder.transformer.layers:
            layer.w_gate_token.normal_()
            layer.w_noise_token.normal_()
    return network
