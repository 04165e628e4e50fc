"""Protocols: every rule of an evaluation that could have been chosen otherwise, by name."""

from collections.abc import Collection, Mapping, Set
from dataclasses import dataclass, fields, replace
from typing import Literal

ClickRule = Literal["centre", "ritm", "near-centroid", "uniform", "centroid"]
Component = Literal["label", "largest", "each"]
Jitter = Literal["sides", "outward", "shift"]
PromptedSlice = Literal["every", "middle", "largest", "first"]
EmptyRule = Literal["nan", "one", "zero", "skip"]

EMPTY_RULES: dict[EmptyRule, str] = {
    "nan": "undefined where target and prediction are both empty",
    "one": "1 where target and prediction are both empty",
    "zero": "0 where target and prediction are both empty",
    "skip": "not scored where the target is empty",
}


@dataclass(frozen=True, slots=True)
class Protocol:
    """How cases become images, targets become prompts, masks become scores and scores become a table.

    The fields named in `SCORING` are read when stored masks are scored; all others when prompts are drawn and models
    run, so that a change of theirs needs a new run.

    Attributes:
        name: printed in every caption.
        source: where the rules come from, and what of them is not followed.
        axis: anatomical "axial" planes, or the "acquisition" plane (across the largest spacing).
        intensity: "window": CT [-160, 240] HU, other volumes the 0.5 to 99.5 percentile of voxels > 0;
            "minmax": the whole range of the volume. Both are mapped to 0..255; 8-bit pictures stay as they are.
        min_area_px: targets with fewer pixels in a slice get no prompt.
        min_area_fraction: nor do targets below this share of the slice.
        component: "label": one box around all components of a label; "largest": around the largest (8-connected);
            "each": every component is a target of its own, "name#1" for the first in raster order.
        box_inclusive: True: a tight box ends at the last foreground pixel, False: one past it.
        jitter: "sides": each coordinate of `box-jitter` moves by its own uniform noise; "outward": each side moves
            outward by it; "shift": the whole box moves.
        jitter_fraction, jitter_px: the noise reaches to min(fraction * side, px); without a fraction, to px.
        loose_fraction, loose_px: each side of `box-loose` moves outward by as much.
        box_frame: the pixels of jitter and loosening are those of the image stretched to this side; None: its own.
        click: first and next click. "centre": the distance-transform maximum of the largest error component; "ritm":
            of the whole object or of all missed or all false pixels, whichever is larger, places clicked before left
            out; "near-centroid": a uniform pixel of the half of the object nearest its centroid, then a uniform error
            pixel; "uniform": a uniform pixel of the object, then of the error; "centroid": the pixel nearest the
            centroid, which may lie outside the object, then as "centre".
        prompted: which slices of a volume are prompted. "every": all that contain the target. Otherwise models that
            propagate are asked once, on the middle one, that with the largest area, or the first in LPS order; all
            others are asked as before. The slices without the target are then scored, too.
        working_resolution: side in pixels to which image and targets are stretched before prompts are drawn
            and models run; masks are brought back to the original grid for scoring. None: the original grid.
        multimask: whether models are asked for several candidates; None: each model's own rule.
        selection: which candidate is scored: the "model"'s own choice, or the "oracle"'s, best Dice with the target.
        empty_rule: the score of a target and a prediction that are both empty, see `EMPTY_RULES`.
        tolerance: of the normalised surface distance, in `distance_unit`.
        distance_unit: "mm", or "px": every pixel or voxel has side 1.
        aggregation: the table's headline, see `bench.statistics.patients.AGGREGATIONS`.
    """

    name: str
    source: str
    axis: Literal["axial", "acquisition"] = "axial"
    intensity: Literal["window", "minmax"] = "window"
    min_area_px: int = 1
    min_area_fraction: float = 0.0
    component: Component = "label"
    box_inclusive: bool = False
    jitter: Jitter = "sides"
    jitter_fraction: float | None = 0.1
    jitter_px: float = 20.0
    loose_fraction: float | None = 0.1
    loose_px: float = 20.0
    box_frame: int | None = None
    click: ClickRule = "centre"
    prompted: PromptedSlice = "every"
    working_resolution: int | None = None
    multimask: bool | None = None
    selection: Literal["model", "oracle"] = "model"
    empty_rule: EmptyRule = "nan"
    tolerance: float = 2.0
    distance_unit: Literal["mm", "px"] = "mm"
    aggregation: str = "macro_class"


SCORING = ("selection", "empty_rule", "tolerance", "distance_unit", "aggregation")
# Prompting rules that matter to some kinds of prompt only.
USED_BY: Mapping[str, Set[str]] = {
    "box_inclusive": {"box", "box-jitter", "box-loose", "box+clicks"},
    "jitter": {"box-jitter"},
    "jitter_fraction": {"box-jitter"},
    "jitter_px": {"box-jitter"},
    "loose_fraction": {"box-loose"},
    "loose_px": {"box-loose"},
    "box_frame": {"box-jitter", "box-loose"},
    "click": {"click", "clicks", "box+clicks"},
}
PROMPTING = tuple(field.name for field in fields(Protocol) if field.name not in ("name", "source", *SCORING))

VOLUME = Protocol(
    "volume",
    "this project: as bench, on volumes; models that propagate are prompted on the middle slice and carry the mask in "
    "both directions, each from fresh memory",
    prompted="middle",
    aggregation="volume",
)
PROTOCOLS: dict[str, Protocol] = {
    "bench": Protocol("bench", "this project: native grid, exclusive boxes, deterministic clicks"),
    "segmote": Protocol(
        "segmote",
        "Lu et al., SegMoTE: images stretched to 512 x 512, inclusive boxes on that grid, no windowing; classes absent "
        "from a slice are skipped; the mean over images of the mean over an image's classes",
        intensity="minmax",
        box_inclusive=True,
        jitter_fraction=None,
        jitter_px=5.0,
        click="near-centroid",
        working_resolution=512,
        empty_rule="skip",
        aggregation="mean_image",
    ),
    "sam-med2d": Protocol(
        "sam-med2d",
        "OpenGVLab/SAM-Med2D at bfd2b93, test.py, and SA-Med2D-20M: one mask per component, none below 0.153 % of the "
        "slice, exclusive boxes on 256 x 256, random clicks. Not followed: slices along all three axes, no elongated "
        "slices, scores rounded to 4 decimals",
        intensity="minmax",
        min_area_fraction=100 / 256**2,
        component="each",
        jitter="shift",
        jitter_fraction=None,
        jitter_px=5.0,
        click="uniform",
        working_resolution=256,
        empty_rule="one",
        aggregation="mean_mask",
    ),
    "medsam": Protocol(
        "medsam",
        "bowang-lab/MedSAM at d71e8a1: windowed axial slices, one box per instance of 100 px or more, loosened by "
        "20 px of a 1024 x 1024 image for its SAM baseline; scored by volume with voxels of side 1. Not followed: "
        "small components are kept in the reference of a volume",
        min_area_px=100,
        component="each",
        box_inclusive=True,
        jitter="outward",
        jitter_fraction=None,
        loose_fraction=None,
        box_frame=1024,
        empty_rule="skip",
        distance_unit="px",
        aggregation="volume",
    ),
    "huang": Protocol(
        "huang",
        "yuhoo0302/Segment-Anything-Model-for-Medical-Images at b2f0d41: labels of more than 50 px, inclusive boxes, "
        "three candidates of which the one that overlaps best WITH THE TARGET is scored (an oracle). Not followed: "
        "percentiles of the slice for other models than theirs",
        intensity="minmax",
        min_area_px=51,
        box_inclusive=True,
        click="centroid",
        multimask=True,
        selection="oracle",
        empty_rule="one",
    ),
    "imis": Protocol(
        "imis",
        "uni-medical/IMIS-Bench at f4519c0: images stretched to 1024 x 1024, inclusive boxes on that grid, no "
        "windowing; 0 where both masks are empty",
        intensity="minmax",
        box_inclusive=True,
        jitter_fraction=None,
        jitter_px=5.0,
        click="near-centroid",
        working_resolution=1024,
        empty_rule="zero",
        aggregation="mean_image",
    ),
    "ritm": Protocol(
        "ritm",
        "SamsungLabs/ritm_interactive_segmentation at b9b4460: clicks at the distance-transform maximum of all missed "
        "or all false pixels, every mask counts once. Its images are photographs; intensities are those of bench",
        click="ritm",
        aggregation="mean_mask",
    ),
    "volume": VOLUME,
    "volume-largest": replace(
        VOLUME,
        name="volume-largest",
        prompted="largest",
        source="this project: as volume, from the slice with the largest area",
    ),
    "volume-first": replace(
        VOLUME,
        name="volume-first",
        prompted="first",
        source="this project: as volume, from the first slice in LPS order, as Chakrabarty and Soni, MIDL 2026",
    ),
}


def prompted_slice(areas: Mapping[int, int], rule: PromptedSlice) -> int:
    """The one slice of a volume on which models that propagate are asked for a target.

    Args:
        areas: index of each slice that contains the target, to its area in pixels.
        rule: any but "every". Of two middle slices the lower counts, of equal areas the lowest.

    Raises:
        ValueError: no slice contains the target, or every slice is asked for.

    Example:
        >>> [prompted_slice({3: 5, 4: 9, 5: 9, 6: 1}, rule) for rule in ("middle", "largest", "first")]
        [4, 4, 3]
    """
    order = sorted(areas)
    if not order or rule == "every":
        raise ValueError(f"no single prompted slice by rule {rule!r} among {len(order)} slices with the target")
    if rule == "largest":
        return max(order, key=lambda index: (areas[index], -index))
    return order[(len(order) - 1) // 2] if rule == "middle" else order[0]


def load(name: str) -> Protocol:
    """The protocol of that name; "name+rule" is the same with another empty rule.

    Raises:
        ValueError: there is none.

    Example:
        >>> load("bench+one").empty_rule
        'one'
    """
    base, _, rule = name.partition("+")
    if base not in PROTOCOLS:
        raise ValueError(f"unknown protocol {base!r}; there are {', '.join(PROTOCOLS)}")
    return with_empty_rule(PROTOCOLS[base], rule) if rule else PROTOCOLS[base]


def with_empty_rule(protocol: Protocol, rule: str) -> Protocol:
    """The protocol with another rule for empty masks, which its name then tells.

    Raises:
        ValueError: there is no such rule.
    """
    if rule not in EMPTY_RULES:
        raise ValueError(f"unknown empty rule {rule!r}; there are {', '.join(EMPTY_RULES)}")
    if rule == protocol.empty_rule:
        return protocol
    return replace(protocol, name=f"{protocol.name}+{rule}", empty_rule=rule)


def needs_new_run(ours: Protocol, wanted: Protocol, kinds: Collection[str] | None = None) -> list[str]:
    """The prompting rules in which two protocols differ, each as "field: ours -> wanted"; scores cannot follow them.

    Args:
        ours, wanted: the protocols.
        kinds: prompt kinds of the run; rules that none of them follows are left out. None: all rules.
    """
    followed = [name for name in PROMPTING if kinds is None or USED_BY.get(name, set(kinds)) & set(kinds)]
    pairs = ((name, getattr(ours, name), getattr(wanted, name)) for name in followed)
    return [f"{name}: {one} -> {other}" for name, one, other in pairs if one != other]


TARGETS: Mapping[Component, str] = {
    "label": "all components of a class in a slice are one target",
    "largest": "all components of a class in a slice are one target, asked for at the largest",
    "each": "every component of a class in a slice is a target of its own",
}


def asking_text(protocol: Protocol, every_slice: bool = False) -> str:
    """What is asked for, as a caption tells it.

    Args:
        protocol: whose rules hold.
        every_slice: of a prompt that slices without the target are asked with, too.
    """
    least = f" of {protocol.min_area_px} px or more" if protocol.min_area_px > 1 else ""
    share = f" and {100 * protocol.min_area_fraction:.2g} % of the slice" if protocol.min_area_fraction else ""
    slices = "every slice is asked for" if every_slice else "only slices that contain it are asked for"
    if protocol.prompted != "every":
        slices += f" (models that propagate: only the {protocol.prompted} one), all slices of the volume are scored"
    return f"{TARGETS[protocol.component]}{least}{share}, {slices}"


def selection_text(protocol: Protocol) -> str:
    """Which mask is scored, as a caption tells it; an oracle is always named."""
    if protocol.selection == "oracle":
        return "the scored mask is the candidate that an ORACLE chose, which knows the target"
    return "the scored mask is each model's own choice: of several candidates, the one that it rates best"


def scoring_text(protocol: Protocol) -> str:
    """The scoring rules in a few words; an oracle is always named."""
    chosen = "candidates chosen by an ORACLE that knows the target, " if protocol.selection == "oracle" else ""
    return f"{chosen}{EMPTY_RULES[protocol.empty_rule]}"
