"""Segmentation models behind one interface.

>>> segmenter = load("baseline/box")
>>> segmenter.card.title
'Filled box'
"""

import difflib
import pkgutil
from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from adapters.cards import CARDS, given_masks
from adapters.interface import (
    Card,
    MissingWeights,
    Points,
    Prediction,
    Prompt,
    Segmenter,
    SlicePrompt,
    UnsupportedPrompt,
    VolumePrediction,
    VolumeSegmenter,
)

if TYPE_CHECKING:
    import torch

    from adapters.precision import Precision

__all__ = [
    "REGISTRY",
    "Card",
    "MissingWeights",
    "Points",
    "Prediction",
    "Prompt",
    "Segmenter",
    "SlicePrompt",
    "UnsupportedPrompt",
    "VolumePrediction",
    "VolumeSegmenter",
    "card",
    "full_name",
    "load",
]

# A model's name and its family's class, which `load` imports. A family has `build(variant)`; its own
# `fill(network, path)` where the plain `checkpoint.fill` will not do; and is made from (card, network, device,
# precision). Families of other packages also have `cards`, from "family/variant" to a model's card. They are named by
# entry points, see `others`, or as "package.module:Class".
REGISTRY = {
    "sam/vit_b": "adapters.families.sam:SamSegmenter",
    "sam/vit_l": "adapters.families.sam:SamSegmenter",
    "sam/vit_h": "adapters.families.sam:SamSegmenter",
    "sam2/hiera_tiny": "adapters.families.sam2:Sam2Segmenter",
    "sam2/hiera_small": "adapters.families.sam2:Sam2Segmenter",
    "sam2/hiera_base_plus": "adapters.families.sam2:Sam2Segmenter",
    "sam2/hiera_large": "adapters.families.sam2:Sam2Segmenter",
    "medsam/vit_b": "adapters.families.medsam:MedSamSegmenter",
    "medicosam/vit_b": "adapters.families.medicosam:MedicoSamSegmenter",
    "medsam2/latest": "adapters.families.medsam2:MedSam2Segmenter",
    "medsam2/2411": "adapters.families.medsam2:MedSam2Segmenter",
    "medsam2/us_heart": "adapters.families.medsam2:MedSam2Segmenter",
    "medsam2/mri_liverlesion": "adapters.families.medsam2:MedSam2Segmenter",
    "medsam2/ctlesion": "adapters.families.medsam2:MedSam2Segmenter",
    "sam3/tracker": "adapters.families.sam3:Sam3Segmenter",
    "huang/vit_b": "adapters.families.huang:HuangSegmenter",
    "sam-med2d/vit_b": "adapters.families.sam_med2d:SamMed2dSegmenter",
    "sam-med2d/vit_b-bgr": "adapters.families.sam_med2d:SamMed2dSegmenter",
    "sam-med2d/vit_b-pad": "adapters.families.sam_med2d:SamMed2dSegmenter",
    "imis/vit_b": "adapters.families.imis:ImisSegmenter",
    "segmote/released": "adapters.families.segmote:SegmoteSegmenter",
    "segmote/paper": "adapters.families.segmote:SegmoteSegmenter",
    "sam/mini": "adapters.families.sam:SamSegmenter",
    "sam2/mini": "adapters.families.sam2:Sam2Segmenter",
    "medsam/mini": "adapters.families.medsam:MedSamSegmenter",
    "huang/mini": "adapters.families.huang:HuangSegmenter",
    "sam-med2d/mini": "adapters.families.sam_med2d:SamMed2dSegmenter",
    "imis/mini": "adapters.families.imis:ImisSegmenter",
    "segmote/mini": "adapters.families.segmote:SegmoteSegmenter",
    "baseline/box": "adapters.families.baseline:BaselineSegmenter",
    "baseline/ellipse": "adapters.families.baseline:BaselineSegmenter",
    "baseline/otsu": "adapters.families.baseline:BaselineSegmenter",
}
# A bare family's variant: the one in the paper's comparison, or the one its authors recommend.
DEFAULT_VARIANT = {
    "sam": "vit_b",
    "sam2": "hiera_base_plus",
    "medsam": "vit_b",
    "medicosam": "vit_b",
    "medsam2": "latest",
    "sam3": "tracker",
    "huang": "vit_b",
    "sam-med2d": "vit_b",
    "imis": "vit_b",
    "segmote": "released",
}


def load(
    name: str, weights: str | Path | None = None, device: "str | torch.device" = "cpu", precision: str = "fp32"
) -> Segmenter:
    """A model, ready to segment.

    Args:
        name: "family/variant", or a family alone for its variant in `DEFAULT_VARIANT`.
        weights: a file, a folder that holds the catalogue's file, None for the catalogue's file in the weights
            folder (`BENCH_WEIGHTS`, else the platform's cache), or "random" for an untrained network. Baselines have
            none.
        device: "cpu", "cuda", "cuda:1" ...
        precision: of the image encoder: "fp32", "bf16" or "fp16". Prompts and masks are always float32.

    Raises:
        ValueError: unknown name or precision, or a weights file that does not fit.
        MissingWeights: the weights file is not there.
    """
    # Torch takes seconds to import, which reading a card should not cost.
    import torch  # noqa: PLC0415

    from adapters.allocator import keep_memory  # noqa: PLC0415
    from adapters.channel_norm import use_one_pass_norms  # noqa: PLC0415
    from adapters.image_attention import use_fused_attention, use_lean_blocks  # noqa: PLC0415
    from adapters.linear import use_one_dnn  # noqa: PLC0415
    from adapters.precision import check_precision, use_whole_float32  # noqa: PLC0415
    from adapters.weights.catalogue import locate  # noqa: PLC0415
    from adapters.weights.checkpoint import fill  # noqa: PLC0415

    name = full_name(name)
    check_precision(precision)
    described = card(name)
    wanted = None if weights == "random" else described.weights
    path = None if wanted is None else locate(wanted, None if weights is None else Path(weights))
    chosen = family(name)
    network = chosen.build(name.partition("/")[2])
    if path is not None:
        getattr(chosen, "fill", fill)(network, path)
    device = torch.device(device)
    use_lean_blocks(network)
    if device.type == "cpu":
        keep_memory()
        use_one_pass_norms(network)
        use_one_dnn(network)
    network = network.to(device).eval()
    if device.type == "cuda":
        use_whole_float32()
        use_fused_attention(network, cast("Precision", precision))
    segmenter: Segmenter = chosen(described, network, device, precision)
    return segmenter


def card(name: str) -> Card:
    """What a model is, without building it, and without torch for the models of this package.

    Args:
        name: of a model, or "masks/NAME" for masks that a tool called NAME has drawn, which `load` does not know.

    Raises:
        ValueError: unknown name.
    """
    if name.startswith("masks/"):
        return given_masks(name)
    name = full_name(name)
    return CARDS[name] if name in CARDS else _foreign_card(name)


def full_name(name: str) -> str:
    """The "family/variant" that a name means, or the "package.module:Class/variant" that names a family by its class.

    Raises:
        ValueError: unknown name; the text has similar ones.
    """
    full = f"{name}/{DEFAULT_VARIANT[name]}" if name in DEFAULT_VARIANT else name
    if full in REGISTRY or full in others():
        return full
    if ":" in name:
        return _named_by_class(name)
    similar = [known for known in REGISTRY if known.startswith(f"{name}/")]
    similar = similar or difflib.get_close_matches(name, [*REGISTRY, *DEFAULT_VARIANT])
    hint = f"did you mean {' or '.join(similar)}? " if similar else ""
    raise ValueError(f"unknown model {name!r}; {hint}`bench ls models` lists all")


def family(name: str) -> Any:
    """The class of a model's family, which is imported by this call; `name` as `full_name` gives it.

    Raises:
        ValueError: the class of another package cannot be imported.
    """
    if name in REGISTRY:
        return pkgutil.resolve_name(REGISTRY[name])
    where = others().get(name) or name.partition("/")[0]
    try:
        return pkgutil.resolve_name(where)
    except (ImportError, AttributeError, ValueError) as error:
        raise ValueError(f"model {name!r}: {where} cannot be imported ({error}); is its package installed?") from error


def others() -> dict[str, str]:
    """The models of other installed packages: those of the entry points `segmote_bench.models`, by name.

    Raises:
        ValueError: one has the name of a model of this package.
    """
    found = {point.name: point.value for point in entry_points(group="segmote_bench.models")}
    if taken := sorted(set(found) & set(REGISTRY)):
        raise ValueError(f"the entry point {taken[0]} = {found[taken[0]]} has the name of a model of this package")
    return found


def _named_by_class(name: str) -> str:
    """The full name of a model that is named by its class, whose only variant may be left out."""
    where, _, variant = name.partition("/")
    cards = getattr(family(name), "cards", {})
    variants = [known.partition("/")[2] for known in cards]
    if variant in variants or (not variant and len(variants) == 1):
        return f"{where}/{variant or variants[0]}"
    raise ValueError(
        f"model {name!r}: its `cards` hold {', '.join(cards) or 'nothing'}; name one of them, {where}/VARIANT"
    )


def _foreign_card(name: str) -> Card:
    """The card of a model of another package, by the variant."""
    by_variant = {known.partition("/")[2]: found for known, found in family(name).cards.items()}
    found: Card = by_variant[name.partition("/")[2]]
    return found
