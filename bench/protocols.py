"""Protocols: every rule of an evaluation that could have been chosen otherwise, by name."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Protocol:
    """How cases become images, targets become prompts and scores become a table.

    Attributes:
        name: printed in every caption.
        source: where the rules come from.
        axis: anatomical "axial" planes, or the "acquisition" plane (across the largest spacing).
        intensity: "window": CT [-160, 240] HU, other volumes the 0.5 to 99.5 percentile of voxels > 0;
            "minmax": the whole range of the volume. Both are mapped to 0..255; 8-bit pictures stay as they are.
        min_area_px: targets with fewer pixels in a slice get no prompt.
        component: "label": one box around all components of a label; "largest": around the largest (8-connected).
        box_inclusive: True: a tight box ends at the last foreground pixel, False: one past it.
        jitter_fraction, jitter_px: each corner coordinate of `box-jitter` moves uniformly by at most
            min(fraction * side, px).
        click: "centre": the distance-transform maximum of the largest error component;
            "random": first a uniform pixel of the half of the object nearest its centroid, then a uniform error pixel.
        working_resolution: side in pixels to which image and targets are stretched before prompts are drawn
            and models run; masks are brought back to the original grid for scoring. None: the original grid.
        empty_rule: the score of a target and a prediction that are both empty.
        aggregation: the table's headline, see `bench.tables.AGGREGATIONS`.
    """

    name: str
    source: str
    axis: Literal["axial", "acquisition"] = "axial"
    intensity: Literal["window", "minmax"] = "window"
    min_area_px: int = 1
    component: Literal["label", "largest"] = "label"
    box_inclusive: bool = False
    jitter_fraction: float = 0.1
    jitter_px: float = 20.0
    click: Literal["centre", "random"] = "centre"
    working_resolution: int | None = None
    empty_rule: Literal["nan"] = "nan"
    aggregation: str = "macro_class"


PROTOCOLS: dict[str, Protocol] = {
    "bench": Protocol("bench", "this project: native grid, exclusive boxes, deterministic clicks"),
    "segmote": Protocol(
        "segmote",
        "Lu et al., SegMoTE: images stretched to 512 x 512, inclusive boxes on that grid, no windowing; "
        "the mean over images of the mean over an image's classes",
        intensity="minmax",
        box_inclusive=True,
        jitter_fraction=1.0,
        jitter_px=5.0,
        click="random",
        working_resolution=512,
        aggregation="mean_image",
    ),
}


def load(name: str) -> Protocol:
    """The protocol of that name.

    Raises:
        ValueError: there is none.
    """
    if name not in PROTOCOLS:
        raise ValueError(f"unknown protocol {name!r}; there are {', '.join(PROTOCOLS)}")
    return PROTOCOLS[name]
