"""All metrics of the records by name, and the overlaps, computed from three areas that are counted once per pair."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

from bench.data.case import Mask
from bench.scoring.matching import MATCHING_RULES
from bench.scoring.packed import PackedMask, common_area, pack


@dataclass(frozen=True, slots=True)
class Areas:
    """Pixel (or voxel) counts of a pair of masks; sums over slices give a volume's.

    Attributes:
        target, predicted, common: foreground of the target, of the prediction, of both.
    """

    target: int
    predicted: int
    common: int

    def __add__(self, other: "Areas") -> "Areas":
        return Areas(self.target + other.target, self.predicted + other.predicted, self.common + other.common)


def areas(target: Mask | PackedMask, predicted: Mask | PackedMask) -> Areas:
    """Count the foreground of two masks on the same grid.

    Args:
        target: (...) bool, the reference, or packed if it is compared with more than one prediction.
        predicted: (...) bool, what the model drew, or packed.

    Raises:
        ValueError: the shapes differ, or an array is not bool.
    """
    if target.shape != predicted.shape:
        raise ValueError(f"target has shape {target.shape}, predicted {predicted.shape}; bring them to one grid")
    one, other = (mask if isinstance(mask, PackedMask) else pack(mask) for mask in (target, predicted))
    return Areas(one.area, other.area, common_area(one, other))


def dice(areas: Areas) -> float:
    """Twice the common area over the sum of both areas.

    Returns:
        A value in [0, 1]; NaN if both masks are empty.

    Example:
        >>> dice(Areas(target=2, predicted=1, common=1))
        0.6666666666666666
        >>> dice(Areas(0, 0, 0))
        nan

    Source: Dice, Ecology 26 (1945) 297-302; NaN for two empty masks as in google-deepmind/surface-distance.
    """
    total = areas.target + areas.predicted
    return 2 * areas.common / total if total else float("nan")


def iou(areas: Areas) -> float:
    """The common area over the area of the union.

    Returns:
        A value in [0, 1]; NaN if both masks are empty.

    Example:
        >>> iou(Areas(target=2, predicted=1, common=1))
        0.5

    Source: Jaccard, Bull. Soc. Vaud. Sci. Nat. 37 (1901) 547-579.
    """
    union = areas.target + areas.predicted - areas.common
    return areas.common / union if union else float("nan")


def sensitivity(areas: Areas) -> float:
    """The share of the target that was predicted (recall), in [0, 1]; NaN if the target is empty."""
    return areas.common / areas.target if areas.target else float("nan")


def ppv(areas: Areas) -> float:
    """Positive predictive value: the share of the prediction that is right (precision); NaN if it is empty."""
    return areas.common / areas.predicted if areas.predicted else float("nan")


Unit = Literal["%", "mm", "px", "ml", "clicks", "per volume"]


@dataclass(frozen=True, slots=True)
class Metric:
    """What a name in the column `metric` of the records means.

    Attributes:
        name: in the records.
        title: as tables print it.
        unit: of the printed value. "%": the record holds a share in [0, 1], print it times 100.
        higher_is_better: False for distances, clicks, errors; None: neither, so no value is marked as best.
        volume: True: one value per stacked volume (slice is null); False: one per slice.
        text: for captions: what is measured, and what is undefined unless the protocol settles it.
        by_object: True: one value per object over all rounds of its prompt (round is null).
        settled: the protocol's rule says what it is where both masks are empty, see `bench.scoring.empty`.
    """

    name: str
    title: str
    unit: Unit
    higher_is_better: bool | None
    volume: bool
    text: str
    by_object: bool = False
    settled: bool = False


TOLERANCE_MM = 2.0  # of the normalised surface distance, as in the CVPR 2025 challenge and in MedSAM's answers
OVERLAP_METRICS = (  # a function of `Areas` and what tables say of it; volumes and oracles follow by themselves
    (
        dice,
        Metric(
            "dice", "Dice", "%", True, False,
            "twice the common area over the sum of both", settled=True,
        ),
    ),
    (
        iou,
        Metric(
            "iou", "IoU", "%", True, False, "the common area over that of the union", settled=True
        ),
    ),
)  # fmt: skip
OVERLAPS = {metric.name: function for function, metric in OVERLAP_METRICS}
_PER_SLICE = (
    *(metric for _, metric in OVERLAP_METRICS),
    Metric(
        "nsd@2mm", "NSD@2mm", "%", True, False,
        "normalised surface distance: share of both surfaces within 2 mm of the other",
        settled=True,
    ),
    Metric(
        "hd95", "HD95", "mm", False, False,
        "95th percentile of the surface distances; the image's diagonal where only one mask is empty; "
        "undefined where target and prediction are both empty",
    ),
    Metric(
        "assd", "ASSD", "mm", False, False,
        "average symmetric surface distance; the image's diagonal where only one mask is empty; "
        "undefined where target and prediction are both empty",
    ),
)  # fmt: skip
_ORACLE = "of the candidate that is best with the TARGET known; undefined for models that gave one mask only"
_CHOSEN = (
    Metric(
        "predicted_iou", "predicted IoU", "%", None, False,
        "what the model itself expects of its mask; undefined for models without a trained score",
    ),
    *(
        Metric(f"oracle_{one.name}", f"oracle {one.title}", one.unit, True, False, _ORACLE)
        for _, one in OVERLAP_METRICS
    ),
    Metric(
        "regret", "regret", "%", False, False,
        "the best candidate's IoU less that of the model's own choice; undefined for models that gave one mask only",
    ),
)  # fmt: skip
_LESIONS = (
    Metric(
        "lesion_f1", "lesion F1", "%", True, True,
        "harmonic mean of lesion-wise sensitivity and precision; one common voxel finds a lesion (26-connected)",
        settled=True,
    ),
    *(
        Metric(
            f"lesion_{name}@{rule}", f"lesion {title} ({rule})", "%", True, True, f"{title}, {one.text}", settled=True
        )
        for rule, one in MATCHING_RULES.items()
        for name, title in (("dice", "Dice"), ("nsd", "NSD"))
    ),
    Metric(
        "lesion_count_difference", "lesion count difference", "per volume", False, True,
        "components of the prediction more or less than the target has, without sign",
    ),
    Metric("lesions_found", "lesions found", "per volume", True, True, "lesions that the prediction touches"),
    Metric("lesions_missed", "lesions missed", "per volume", False, True, "lesions that the prediction does not touch"),
    Metric(
        "lesions_invented", "lesions invented", "per volume", False, True,
        "components of the prediction that touch no lesion",
    ),
)  # fmt: skip
_BY_LESION = (
    Metric("lesion_ml", "lesion volume", "ml", None, True, "volume of one lesion of the target"),
    Metric("lesion_sensitivity", "lesion sensitivity", "%", True, True, "share of one lesion that is predicted"),
    Metric(
        "lesion_ppv", "lesion PPV", "%", True, True,
        "share of the components touching one lesion that lies within it; undefined where none does",
    ),
)  # fmt: skip
_VOLUMES = (
    Metric(
        "volume_sensitivity", "sensitivity", "%", True, True,
        "stacked slices: share of the target that is predicted; undefined where the target is empty",
    ),
    Metric(
        "volume_ppv", "PPV", "%", True, True,
        "stacked slices: share of the prediction that is right; undefined where nothing is predicted",
    ),
    Metric(
        "volume_boundary_iou", "boundary IoU", "%", True, True,
        "IoU of what lies within 2 % of a slice's diagonal of the outlines", settled=True,
    ),
    Metric(
        "volume_cldice", "centreline Dice (clDice)", "%", True, True,
        "tubes only: harmonic mean of the shares of both centrelines that lie within the other mask", settled=True,
    ),
    Metric(
        "volume_difference", "volume difference", "ml", False, True,
        "volume of the prediction less that of the target, without sign",
    ),
)  # fmt: skip
_PROPAGATION = (
    Metric(
        "prompted_dice", "Dice on the prompted slice", "%", True, True,
        "Dice in the slice on which models that propagate are prompted",
    ),
    Metric(
        "over_ml", "over-propagation", "ml", False, True,
        "foreground that is predicted beyond the target's first and last slice",
    ),
    Metric(
        "over_slices", "over-propagated slices", "per volume", False, True,
        "slices with foreground beyond the target's first and last slice",
    ),
    Metric(
        "user_actions", "user actions", "per volume", False, True,
        "boxes, clicks, scribbles and masks that the user gives",
    ),
)  # fmt: skip
_ROUNDS = (
    Metric("noc@85", "NoC@85", "clicks", False, False, "clicks until IoU 85 %, all of them if never", True),
    Metric("noc@90", "NoC@90", "clicks", False, False, "clicks until IoU 90 %, all of them if never", True),
    Metric("nof@85", "NoF@85", "%", False, False, "share of objects that never reach IoU 85 %", True),
    Metric("nof@90", "NoF@90", "%", False, False, "share of objects that never reach IoU 90 %", True),
    Metric("iou_auc", "IoU AUC", "%", True, False, "area under IoU by click, from 0 clicks, over its width", True),
)
_STACKED = tuple(
    replace(
        one, name=f"volume_{one.name}", title=f"volume {one.title}", volume=True, text=f"stacked slices: {one.text}"
    )
    for one in _PER_SLICE
)
METRICS: Mapping[str, Metric] = {
    one.name: one
    for one in (*_PER_SLICE, *_STACKED, *_VOLUMES, *_LESIONS, *_BY_LESION, *_PROPAGATION, *_CHOSEN, *_ROUNDS)
}  # the names of the default protocol; `metric` also knows other tolerances


def nsd_name(tolerance: float, unit: str = "mm") -> str:
    """The name of the normalised surface distance at a tolerance, "nsd@2mm"."""
    return f"nsd@{tolerance:g}{unit}"


def metric(name: str) -> Metric:
    """The metric of that name, at any tolerance.

    Raises:
        ValueError: the name is unknown.

    Example:
        >>> metric("volume_nsd@3mm").title
        'volume NSD@3mm'
    """
    if name in METRICS:
        return METRICS[name]
    pattern = re.fullmatch(r"(volume_)?(?:nsd@(\d+(?:\.\d+)?)(mm|px)|(hd95|assd)_px)", name)
    if pattern is None:
        raise ValueError(f"unknown metric {name!r}; there are {', '.join(METRICS)}")
    volume, tolerance, unit, distance = pattern.groups()
    known = METRICS[f"{volume or ''}{distance or 'nsd@2mm'}"]
    if distance:
        return replace(known, name=name, title=f"{known.title} (px)", unit="px")
    stated = known.title.replace("2mm", f"{tolerance}{unit}"), known.text.replace("2 mm", f"{tolerance} {unit}")
    return replace(known, name=name, title=stated[0], text=stated[1])
