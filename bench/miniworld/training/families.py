"""What each family's training has of its own: its network, its image preparation, its user, its stages."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor

from adapters.families import imis, sam2, sam_med2d, small_networks
from adapters.families.huang import LOWER_PERCENT, UPPER_PERCENT
from adapters.families.imis import MINI_VOCABULARY
from bench.miniworld.training.inheritance import from_sam, imis_from_sam, quiet_adapters, unit_range
from bench.miniworld.training.networks import Network
from bench.miniworld.training.prompts import exact, imis_noise, med2d_noise, medsam_noise, sam_noise
from bench.miniworld.training.recipes import HUANG, IMIS, MEDSAM, SAM, SAM2, SAM_MED2D
from bench.miniworld.training.rounds import User, clicks_and_logits, clicks_and_probabilities, clicks_or_names
from bench.miniworld.training.stages import Stage
from segmote.imis.network import standardised

Learned = Literal["all", "single", "chosen"]


@dataclass(frozen=True, slots=True)
class Family:
    """How one mini is trained.

    Attributes:
        build: the untrained network.
        prepare: pictures (B, 3, 128, 128) in 0..1 to network inputs, as the family's adapter does.
        user: how it is asked.
        stages: what it learns.
        seed: of everything that is drawn.
        parent: family whose mini it starts from, None for nothing.
        inherit: fills the network from its parent's file.
        learned: which masks learn: "all" as in SAM, the "single" one, or the best-scored and the best candidate.
        steep: masks are enlarged as probabilities.
        world: what the file's metadata says it was trained on.
        companion: a file that its adapter reads beside the weights.
    """

    build: Callable[[], Network]
    prepare: Callable[[Tensor], Tensor]
    user: User
    stages: tuple[Stage, ...]
    seed: int
    parent: str | None = None
    inherit: Callable[[Network, Path], None] = from_sam
    learned: Learned = "all"
    steep: bool = False
    world: str = "mini MedSeg-HQ phantoms"
    companion: Path | None = None


def standard(images: Tensor) -> Tensor:
    """SAM's, SAM-Med2D's and IMIS-Net's colours."""
    return standardised(images * 255)


def standard_sam2(images: Tensor) -> Tensor:
    """SAM 2's colours."""
    mean, std = (torch.tensor(values, device=images.device)[:, None, None] for values in (sam2.MEAN, sam2.STD))
    return (images - mean) / std


def spread(images: Tensor) -> Tensor:
    """MedSAM's pictures, by their own minimum and maximum."""
    low, high = images.amin((1, 2, 3), keepdim=True), images.amax((1, 2, 3), keepdim=True)
    return (images - low) / (high - low).clamp(min=1e-8)


def stretched(images: Tensor) -> Tensor:
    """Huang et al.'s pictures, by their own percentiles; what is black stays black."""
    percentiles = torch.tensor([LOWER_PERCENT, UPPER_PERCENT], device=images.device) / 100
    low, high = images.flatten(1).quantile(percentiles, dim=1)[..., None, None, None]
    wide = (images.clamp(low, high) - low) / (high - low).clamp(min=1e-8)
    return standard(torch.where(images == 0, 0.0, wide))


SAM_USER = User(sam_noise, clicks_and_logits)
GENERIC = "generic shapes and textures"
FAMILIES: dict[str, Family] = {
    "sam": Family(small_networks.sam, standard, SAM_USER, SAM, seed=1, world=GENERIC),
    "sam2": Family(
        small_networks.sam2,
        standard_sam2,
        SAM_USER,
        SAM2,
        seed=2,
        world=GENERIC,
    ),
    "medsam": Family(
        small_networks.sam,
        spread,
        User(medsam_noise, clicks_and_logits),
        MEDSAM,
        seed=3,
        parent="sam",
        inherit=unit_range,
        learned="single",
        steep=True,
    ),
    "huang": Family(
        small_networks.sam,
        stretched,
        User(exact, clicks_and_logits),
        HUANG,
        seed=4,
        parent="sam",
        learned="single",
    ),
    "sam-med2d": Family(
        lambda: sam_med2d.network(sam_med2d.MINI),
        standard,
        User(med2d_noise, clicks_and_probabilities, single=False),
        SAM_MED2D,
        seed=5,
        parent="sam",
        inherit=quiet_adapters,
        learned="chosen",
    ),
    "imis": Family(
        lambda: imis.ImisSegmenter.build("mini"),
        standard,
        User(imis_noise, clicks_or_names, single=False),
        IMIS,
        seed=6,
        parent="sam",
        inherit=imis_from_sam,
        learned="chosen",
        companion=MINI_VOCABULARY,
    ),
}
