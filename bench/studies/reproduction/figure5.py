"""Figure 5: in-domain Dice of all models with one click and with boxes, and on how many masks each was trained."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bench.comparing.published import FOLDER, read
from bench.reporting.figures import style
from bench.studies.pictures import long_names
from bench.studies.reproduction.runs import RunNumber

PROMPTS = {"click": "(a) one click", "box": "(b) bounding box"}
BAR_SHARE = 0.86
OWN_FAMILY = "segmote"
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
        found: Averages of the held-out sets.
        titles: of these sets, for the axis.
        sizes: from `training_sizes`.
        title: above it, with weights and data.
    """
    models = list(dict.fromkeys(one.model for one in found))
    sets = [name for name in titles if any(one.dataset == name for one in found)]
    drawn = Figure(figsize=(max(9.0, 0.14 * len(models) * len(sets) + 2), 9.5), layout="constrained")
    panels = drawn.subplots(3, 1, height_ratios=(1, 1, 0.9))
    shown = style.looks(models)
    for axes, (prompt, text) in zip(panels, PROMPTS.items(), strict=False):
        _bars(axes, [one for one in found if one.prompt == prompt], sets, models, shown)
        axes.set_xticks(range(len(sets)), long_names(titles[name] for name in sets), fontsize=8)
        axes.set_title(text, fontsize=10)
    handles, labels = panels[1].get_legend_handles_labels()
    drawn.legend(handles, labels, loc="outside right upper", fontsize=8, frameon=False)
    _sizes(panels[2], sizes)
    drawn.suptitle(title, fontsize=8)
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
        axes.bar(places, values, 0.92 * width, color=shown[model].colour, label=model)
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
