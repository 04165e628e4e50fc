"""Figure 5: in-domain Dice of all models with one click and with boxes, and on how many masks each was trained."""

from collections.abc import Mapping, Sequence
from textwrap import fill

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bench.comparing.published import FOLDER, read
from bench.reporting.figures import style
from bench.studies.pictures import long_names
from bench.studies.reproduction.runs import OWN, RunNumber

PROMPTS = {"click": "(a) one click", "box": "(b) bounding box"}
BAR_SHARE = 0.86
OWN_FAMILY = "segmote"
ORDER = {name: place for place, name in enumerate(style.FAMILIES)}
WIDTH = 110  # of the title, in characters
# Masks that each model of the paper was trained on, by the names of `numbers.csv`.
SIZES = {
    "SAM": "sa1b_masks",
    "SAM 2, SA-V alone": "sav_masks",
    "MedSAM": "medsam_masks",
    "Huang et al.": "cosmos_masks",
    "SAM-Med2D": "sa_med2d_masks",
    "IMIS": "imed_masks",
    "SegMoTE": "masks",
}


def training_sizes(own: int) -> dict[str, int]:
    """Masks that each model was trained on as published, and those of the training set made here.

    Args:
        own: masks of the set made here.
    """
    numbers = read("numbers", FOLDER).set_index("id")["value"].astype(float)
    return {title: int(numbers[name]) for title, name in SIZES.items()} | {"trained here": own}


def figure(found: Sequence[RunNumber], titles: Mapping[str, str], sizes: Mapping[str, int], title: str) -> Figure:
    """The three panels.

    Args:
        found: Averages of the held-out sets; models stand in the order of the paper, the one trained here last.
        titles: of these sets, for the axis.
        sizes: from `training_sizes`.
        title: above it, with weights and data.
    """
    models = sorted({one.model for one in found}, key=lambda name: (name == OWN, ORDER.get(style.family(name), 0)))
    sets = [name for name in titles if any(one.dataset == name for one in found)]
    drawn = Figure(figsize=(max(9.0, 0.14 * len(models) * len(sets) + 2), 9.5), layout="constrained")
    panels = drawn.subplots(3, 1, height_ratios=(1, 1, 0.9))
    shown = style.looks(models)
    for axes, (prompt, text) in zip(panels, PROMPTS.items(), strict=False):
        asked = [one for one in found if one.prompt == prompt]
        _bars(axes, asked, sets, [name for name in models if any(one.model == name for one in asked)], shown)
        axes.set_xticks(range(len(sets)), long_names(titles[name] for name in sets), fontsize=8)
        lacking = [name for name in models if all(one.model != name for one in asked)]
        note = f"; not trained on it: {', '.join(lacking)}" if lacking else ""
        axes.set_title(f"{text}{note}", fontsize=10)
    legend = dict(pair for axes in panels[:2] for pair in zip(*axes.get_legend_handles_labels()[::-1], strict=True))
    drawn.legend([legend[name] for name in models], models, loc="outside right upper", fontsize=8, frameon=False)
    _sizes(panels[2], sizes)
    drawn.suptitle(fill(title, WIDTH), fontsize=8)
    return drawn


def _bars(
    axes: Axes, found: Sequence[RunNumber], sets: Sequence[str], models: Sequence[str], shown: Mapping[str, style.Look]
) -> None:
    by_place = {(one.model, one.dataset): one for one in found}
    width = BAR_SHARE / len(models)
    for number, model in enumerate(models):
        present = [(place, by_place[model, name]) for place, name in enumerate(sets) if (model, name) in by_place]
        places = [place + (number - (len(models) - 1) / 2) * width for place, _ in present]
        values = [one.value for _, one in present]
        hatch = "///" if model == OWN else None
        axes.bar(places, values, 0.92 * width, color=shown[model].colour, edgecolor="white", hatch=hatch, label=model)
        reach = np.array([[one.value - one.low, one.high - one.value] for _, one in present]).reshape(-1, 2).T
        axes.errorbar(places, values, np.nan_to_num(reach).clip(0), fmt="none", ecolor="0.25", elinewidth=0.7)
    axes.set(xlim=(-0.5, len(sets) - 0.5), ylim=(0, 100), ylabel="Dice (%)")
    axes.spines[["top", "right"]].set_visible(False)


def _sizes(axes: Axes, sizes: Mapping[str, int]) -> None:
    colours = [style.FAMILIES[OWN_FAMILY][0] if name in ("SegMoTE", "trained here") else "0.6" for name in sizes]
    axes.barh(range(len(sizes)), list(sizes.values()), color=colours)
    for place, count in enumerate(sizes.values()):
        axes.annotate(f"{count:,}", (count, place), (4, 0), textcoords="offset points", va="center", fontsize=8)
    axes.set_yticks(range(len(sizes)), list(sizes), fontsize=8)
    axes.invert_yaxis()
    axes.set_xscale("log")
    axes.set_xlim(left=max(1, min(sizes.values()) / 10), right=20 * max(sizes.values()))
    axes.set_xlabel("masks in the training set (as published; trained here: counted)")
    axes.set_title("(c) training-set sizes", fontsize=10)
    axes.spines[["top", "right"]].set_visible(False)
