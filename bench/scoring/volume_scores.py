"""The scores of one stacked volume (or picture) of a class: those of every pair, and those of lesions and tubes."""

from dataclasses import dataclass
from math import prod

from bench.data import catalogue
from bench.data.case import Mask
from bench.protocols import Protocol
from bench.scoring import pair
from bench.scoring.empty import settle
from bench.scoring.lesions import LesionPairs, lesion_pairs, lesionwise_dice, lesionwise_nsd
from bench.scoring.matching import MATCHING_RULES
from bench.scoring.metrics import Areas, areas, ppv, sensitivity
from bench.scoring.pair import FAILED, UNDEFINED, Scored, Target, defined
from bench.scoring.shape import boundary_iou, centreline_dice

MM3_PER_ML = 1000
OF_VOLUMES = ("volume_sensitivity", "volume_ppv", "volume_boundary_iou", "volume_difference")
OF_LESIONS = (
    "lesion_f1",
    *(f"lesion_{name}@{rule}" for rule in MATCHING_RULES for name in ("dice", "nsd")),
    "lesion_count_difference",
    *(f"lesions_{name}" for name in ("found", "missed", "invented")),
)


@dataclass(frozen=True, slots=True)
class ClassKind:
    """What a class consists of, which decides how it is scored beside the rest.

    Attributes:
        lesions: of many separate objects.
        tube: of something long and thin that has a centreline.
    """

    lesions: bool
    tube: bool


def kind_of(dataset: str, name: str, is_volume: bool) -> ClassKind:
    """The kind of a class; pictures are not scored by lesions."""
    return ClassKind(is_volume and name in catalogue.lesions(dataset), name in catalogue.tubes(dataset))


def volume_scores(
    target: Target, predicted: Mask | None, protocol: Protocol, kind: ClassKind
) -> tuple[dict[str, Scored], LesionPairs | None]:
    """The scores of a volume, and its lesions where the class has them.

    Args:
        target: the reference, (K, H, W) or (H, W).
        predicted: on the same grid; None where a slice failed, so that all scores of the volume failed.
        protocol: its scoring rules.
        kind: of the class.
    """
    if predicted is None:
        known = [f"volume_{name}" for name in pair.names(protocol)]
        known += [*OF_VOLUMES, *["volume_cldice"] * kind.tube, *OF_LESIONS * kind.lesions]
        return dict.fromkeys(known, FAILED), None
    counted = areas(target.packed, predicted)
    made = {f"volume_{name}": scored for name, scored in pair.scores(target, predicted, protocol).items()}
    plane = target.part.shape[-2:] if target.part else target.mask.shape[-2:]
    boundary = boundary_iou(target.mask, predicted, (plane[0], plane[1]))
    made |= {
        "volume_sensitivity": defined(sensitivity(counted)),
        "volume_ppv": defined(ppv(counted)),
        "volume_boundary_iou": settle(boundary, counted, protocol.empty_rule),
        "volume_difference": _difference_ml(target, counted),
    }
    if kind.tube:
        made["volume_cldice"] = settle(centreline_dice(target.mask, predicted), counted, protocol.empty_rule)
    if not kind.lesions:
        return made, None
    lesions = lesion_pairs(target.mask, predicted)
    return made | _lesion_scores(target, lesions, counted, protocol), lesions


def _difference_ml(target: Target, counted: Areas) -> Scored:
    if target.spacing_mm is None or len(target.spacing_mm) != 3:  # pictures have no volume
        return UNDEFINED
    return abs(counted.predicted - counted.target) * prod(target.spacing_mm) / MM3_PER_ML, "ok"


def _lesion_scores(target: Target, lesions: LesionPairs, counted: Areas, protocol: Protocol) -> dict[str, Scored]:
    found = lesions.counts
    made: dict[str, Scored] = {"lesion_f1": settle(found.f1, counted, protocol.empty_rule)}
    in_mm = protocol.distance_unit == "mm"
    spacing = target.spacing_mm if in_mm else (1.0,) * target.mask.ndim
    for name, rule in MATCHING_RULES.items():
        made[f"lesion_dice@{name}"] = settle(lesionwise_dice(lesions, rule), counted, protocol.empty_rule)
        nsd = lesionwise_nsd(lesions, rule, protocol.tolerance, spacing) if spacing else None
        made[f"lesion_nsd@{name}"] = UNDEFINED if nsd is None else settle(nsd, counted, protocol.empty_rule)
    counts = {"found": found.found, "missed": found.missed, "invented": found.invented}
    made["lesion_count_difference"] = float(lesions.count_difference), "ok"
    return made | {f"lesions_{name}": (float(value), "ok") for name, value in counts.items()}


def lesion_records(target: Target, lesions: LesionPairs) -> list[tuple[int, dict[str, Scored]]]:
    """Voxels and scores of each lesion of a target, in the order of its labels."""
    sizes, sensitivities, ppvs = lesions.target_voxels.tolist(), lesions.sensitivity.tolist(), lesions.ppv.tolist()
    voxel_ml = prod(target.spacing_mm) / MM3_PER_ML if target.spacing_mm else float("nan")
    return [
        (
            size,
            {
                "lesion_ml": defined(size * voxel_ml),
                "lesion_sensitivity": (sensitivity, "ok"),
                "lesion_ppv": defined(ppv),
            },
        )
        for size, sensitivity, ppv in zip(sizes, sensitivities, ppvs, strict=True)
    ]
