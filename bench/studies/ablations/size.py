"""Learnable parameters of the parts, counted in networks on the meta device: table 3."""

from dataclasses import replace
from pathlib import Path

import pandas as pd
import torch
from matplotlib.figure import Figure
from torch import nn

import adapters
from adapters.families.imis import VIT_B
from bench.comparing.published import FOLDER, read
from bench.studies.ablations.output import AblationReport
from bench.studies.ablations.summary import AblationVerdict, VerdictOutcome
from segmote.imis.network import Imis
from segmote.network.config import RELEASED, SegmoteConfig
from segmote.network.model import Segmote

NO_VOCABULARY = Path("none")
# In IMIS-Net's training these stay as they are.
FROZEN = ("image_encoder.sam_encoder.", "text_model.")
PPT = "mask_decoder.img_prompt_pool."
MILLION = 1e6


def ablate() -> AblationReport:
    """Count the released network's parameters and compare with the paper; nothing is trained."""
    counted = counts()
    paper = read("table3", FOLDER)
    rows = [
        {"method": row["method"], "paper (M)": row["learnable_params_millions"], "counted": counted[row["method"]]}
        for row in paper.to_dict("records")
    ]
    numbers = pd.DataFrame(rows)
    table = numbers.assign(
        counted=[f"{count:,}" for count in numbers["counted"]], **{"paper (M)": numbers["paper (M)"]}
    )
    others = {f"N = {n}": sum(parts(replace(RELEASED, num_experts=n))) for n in (4, 8, 12)}
    others |= {f"Q = {q}": sum(parts(replace(RELEASED, ppt_queries=q))) for q in (4, 8)}
    more = pd.DataFrame(
        {"method": f"SegMoTE, {name}", "paper (M)": "", "counted": f"{n:,}"} for name, n in others.items()
    )
    return AblationReport(
        name="size",
        caption="Learnable parameters: printed in Table 3, in millions, and counted in our networks at official size.",
        numbers=numbers,
        table=pd.concat([table, more], ignore_index=True),
        figure=_figure(numbers),
        verdicts=_verdicts(counted, numbers),
    )


def counts() -> dict[str, int]:
    """Learnable parameters by the names of Table 3; of SAM and MedSAM all are learnable."""
    mote, ppt = parts(RELEASED)
    with torch.device("meta"):
        imis = Imis(VIT_B, NO_VOCABULARY)
    learned = sum(value.numel() for name, value in imis.named_parameters() if not name.startswith(FROZEN))
    return {
        "SAM (Large)": adapters.card("sam/vit_l").parameters,
        "MedSAM (Base)": adapters.card("medsam/vit_b").parameters,
        "IMIS (Base)": learned,
        "SegMoTE (Base)": mote + ppt,
        "(-MoTE)": mote,
        "(-PPT)": ppt,
    }


def parts(config: SegmoteConfig) -> tuple[int, int]:
    """Parameters of MoTE (all that IMIS-Net lacks, except PPT) and of PPT."""
    with torch.device("meta"):
        shared = {name for name, _ in _named(Imis(config, NO_VOCABULARY))}
        new = [(name, count) for name, count in _named(Segmote(config, NO_VOCABULARY)) if name not in shared]
    ppt = sum(count for name, count in new if name.startswith(PPT))
    return sum(count for _, count in new) - ppt, ppt


def _named(network: nn.Module) -> list[tuple[str, int]]:
    return [(name, value.numel()) for name, value in network.named_parameters()]


def _figure(numbers: pd.DataFrame) -> Figure:
    drawn = Figure(figsize=(7, 3.2), layout="constrained")
    axes = drawn.subplots()
    places = range(len(numbers))
    printed = numbers["paper (M)"].astype(float)
    counted = numbers["counted"] / MILLION
    axes.barh([place - 0.2 for place in places], printed, 0.4, color="0.7", label="printed in Table 3")
    axes.barh([place + 0.2 for place in places], counted, 0.4, color="#0072B2", label="counted")
    for place, value in enumerate(counted):
        axes.annotate(f"{value:.1f}", (value, place + 0.2), (3, 0), textcoords="offset points", va="center", fontsize=7)
    axes.set_yticks(places, numbers["method"], fontsize=8)
    axes.invert_yaxis()
    axes.set_xscale("log")
    axes.set_xlabel("learnable parameters (millions)")
    axes.legend(fontsize=7, frameon=False, loc="lower right")
    axes.spines[["top", "right"]].set_visible(False)
    return drawn


def _verdicts(counted: dict[str, int], numbers: pd.DataFrame) -> list[AblationVerdict]:
    total, mote, ppt, large = (counted[name] for name in ("SegMoTE (Base)", "(-MoTE)", "(-PPT)", "SAM (Large)"))
    adds_up = [int(count / MILLION) for count in (total, mote, ppt)] == [17, 10, 7] and total == mote + ppt
    share = 100 * total / large
    return [
        AblationVerdict("17 M = 10 M MoTE + 7 M PPT", _outcome(adds_up), f"{total:,} = {mote:,} + {ppt:,}"),
        AblationVerdict(
            "1.4 % of the original SAM",
            _outcome(round(share, 1) == 1.4),
            f"{total:,} is {share:.1f} % of SAM (Large)'s {large:,}; its printed 1191 M is the size of its file in MiB",
        ),
    ]


def _outcome(shows: bool) -> VerdictOutcome:
    return "shows" if shows else "does not show"
