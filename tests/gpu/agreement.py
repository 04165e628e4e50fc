"""Whether a GPU draws what a CPU draws: official networks with weights that are a function of their names."""

import time
from dataclasses import replace
from typing import Any

import torch

import adapters
from adapters.decoder_graphs import LARGEST_ERROR, MOST_SIGNS, DecoderGraphs
from adapters.image_attention import use_fused_attention
from adapters.interface import Prediction, Segmenter
from adapters.precision import use_whole_float32
from tests.gpu.inputs import SIDE, box_prompts, click_prompts, picture
from tests.helpers.seeded import seed_weights

OFFICIAL = (
    "sam/vit_b",
    "sam2/hiera_tiny",
    "sam2/hiera_base_plus",
    "medsam/vit_b",
    "huang/vit_b",
    "sam-med2d/vit_b",
    "imis/vit_b",
    "segmote/released",
    "sam2/hiera_large",
    "sam/vit_l",
    "sam/vit_h",
)
MINIS = ("sam/mini", "sam2/mini", "sam-med2d/mini", "imis/mini", "segmote/mini")
# Largest error of the logits as a share of their deviation, and largest share of pixels that differ.
ALLOWED = {"fp32": (5e-3, 1e-4), "bf16": (1.0, 2e-2)}


def seeded(name: str, device: str, precision: str = "fp32") -> Segmenter:
    """A model whose weights are a function of their names."""
    model = adapters.load(name, "random", "cpu", precision)
    seed_weights(model.network)
    family, network = type(model), model.network.to(device)
    if torch.device(device).type == "cuda":
        use_whole_float32()
        use_fused_attention(network, precision)
    return family(model.card, network, torch.device(device), precision)


def compared(name: str, device: str, until: float) -> list[dict[str, Any]]:
    """One row per precision: errors of a device against the CPU in fp32; none when the time is over.

    Args:
        name: "family/variant".
        device: as torch names it.
        until: of `time.monotonic`.
    """
    if time.monotonic() > until:
        return []
    wanted = _drawn(seeded(name, "cpu"))
    rows = []
    for precision, (most_error, most_pixels) in ALLOWED.items():
        found = _drawn(seeded(name, device, precision))
        errors = [_errors(one, other) for one, other in zip(wanted, found, strict=True)]
        error, pixels = (max(values) for values in zip(*errors, strict=True))
        agrees = error <= most_error and pixels <= most_pixels
        rows.append({"model": name, "precision": precision, "logits": error, "pixels": pixels, "agrees": agrees})
    return rows


def replayed(name: str, device: str, until: float) -> list[dict[str, Any]]:
    """One row: how far masks drawn by CUDA graphs are from those drawn without, on one device; none when time is over.

    Args:
        name: "family/variant".
        device: as torch names it; on a CPU there are no graphs.
        until: of `time.monotonic`.
    """
    if time.monotonic() > until:
        return []
    model = seeded(name, device)
    graphs: Any = model._graphs
    for _ in range(3):  # seen, recorded, replayed
        found = _drawn(model)
    model._graphs = DecoderGraphs(name, None)
    errors = [_errors(one, other) for one, other in zip(_drawn(model), found, strict=True)]
    error, pixels = (max(values) for values in zip(*errors, strict=True))
    agrees = error <= LARGEST_ERROR and pixels <= MOST_SIGNS
    return [{"model": name, "graphs": len(graphs._graphs), "logits": error, "pixels": pixels, "agrees": agrees}]


def _drawn(model: Segmenter) -> list[Prediction]:
    """Boxes and clicks, and where the network takes masks a second round of the clicks from its first masks."""
    (encoded,) = model.encode([picture(0)])
    clicks = [prompt for prompt in click_prompts(2, 3) if not prompt.kinds - model.card.accepts]
    boxes = [prompt for prompt in box_prompts(1, 3) if not prompt.kinds - model.card.accepts]
    first = model.decode([(encoded, prompt) for prompt in [*boxes, *clicks]])
    if not clicks or "mask" not in model.card.accepts:
        return first
    corrected = [
        replace(prompt, previous=drawn.feedback) for prompt, drawn in zip(clicks, first[len(boxes) :], strict=True)
    ]
    return [*first, *model.decode([(encoded, prompt) for prompt in corrected])]


def _errors(one: Prediction, other: Prediction) -> tuple[float, float]:
    """Largest error of the logits in their deviations, and the share of pixels that differ."""
    wanted, found = one.candidate_logits.cpu(), other.candidate_logits.cpu()
    error = (wanted - found).abs().max() / wanted.std().clamp(min=1e-6)
    return float(error), int((one.mask.cpu() ^ other.mask.cpu()).sum()) / SIDE**2
