"""The number of experts and of active experts: figures 6b and 6c."""

from functools import partial

import pandas as pd

from bench.studies.ablations.output import AblationReport, Panel, bars, long
from bench.studies.ablations.setting import NetworkVariant, Setting, Subset
from bench.studies.ablations.summary import AblationVerdict, by_seed, difference, gains, intervals, is_best, trainings
from bench.studies.ablations.testing import averages
from bench.studies.ablations.training import records

EXPERTS, ACTIVE = (4, 8, 12), (1, 2)
SUBSETS: tuple[Subset, ...] = ("four", "seven")
FIGURES = {"four": "6b", "seven": "6c"}
PAPER = "figure without numbers; 4:1 best"


def ablate(setting: Setting, jobs: int) -> AblationReport:
    """Train N in 4, 8, 12 with M in 1, 2 on both subsets, test on the zero-shot sets with boxes."""
    parts, values = {}, {}
    for subset in SUBSETS:
        variants = [NetworkVariant(experts=n, active=m, subset=subset) for n in EXPERTS for m in ACTIVE]
        found = records(setting, variants, ["zero-shot"], jobs)
        values[subset] = by_seed(found, partial(averages, setting=setting, suite="zero-shot"))
        parts[subset] = intervals(values[subset]).set_axis([name(variant) for variant in variants])
    trained = {"four": len(setting.four), "seven": len(setting.seven)}
    panels = [
        Panel(f"trained on {trained[subset]} data sets (figure {FIGURES[subset]})", parts[subset]) for subset in SUBSETS
    ]
    caption = (
        "Dice (%) on the zero-shot sets, prompt box, protocol bench, by N:M = experts:active; mean over "
        f"{trainings(*values.values())} with 95 % interval. Four: {', '.join(setting.four)}; "
        f"seven: {', '.join(setting.seven)}. {setting.text()}"
    )
    return AblationReport(
        name="experts",
        caption=caption,
        numbers=pd.concat([long(part, trained_on=subset) for subset, part in parts.items()], ignore_index=True),
        table=pd.concat([_table(part, subset) for subset, part in parts.items()], ignore_index=True),
        figure=bars(panels, f"Zero-shot Dice by N:M, prompt box. {setting.text()}"),
        verdicts=_verdicts(values),
    )


def name(variant: NetworkVariant) -> str:
    """N:M."""
    return f"{variant.experts}:{variant.active}"


def _table(part: pd.DataFrame, subset: str) -> pd.DataFrame:
    texts = part.map(lambda one: one.text()).rename_axis("N:M").reset_index()
    texts.insert(0, "trained on", subset)
    return texts.assign(paper=[PAPER if row == "4:1" else "" for row in part.index])


def _verdicts(values: dict[Subset, pd.DataFrame]) -> list[AblationVerdict]:
    names = [f"{n}:{m}" for n in EXPERTS for m in ACTIVE]
    one, single = names.index("4:1"), [names.index("8:1"), names.index("12:1")]
    best = is_best("4:1 is best on four modalities", values["four"], names, one, range(1, len(names)))
    drop = gains("N = 12 falls below N = 4 on four modalities", difference(values["four"], one, single[1]))
    more = is_best("N = 4 is better than 8 and 12 on seven modalities", values["seven"], names, one, single)
    return [best, drop, more]
