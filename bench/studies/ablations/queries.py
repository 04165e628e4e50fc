"""The number of prompt tokens generated from the image, compared with one click: table 4."""

from functools import partial

import pandas as pd

from bench.comparing.published import FOLDER, read
from bench.studies.ablations.output import AblationReport, Panel, bars, long
from bench.studies.ablations.setting import NetworkVariant, Setting
from bench.studies.ablations.summary import (
    MEAN,
    AblationVerdict,
    by_seed,
    difference,
    gains,
    intervals,
    trainings,
)
from bench.studies.ablations.testing import averages, tests
from bench.studies.ablations.training import records

QUERIES = (2, 4, 8)
WITHOUT = len(QUERIES)
MARGIN = 2.0  # Dice points; the paper's own differences among Q are below 0.4
NAMES = [*(f"Q={count}" for count in QUERIES), "w/o PPT"]


def ablate(setting: Setting, jobs: int) -> AblationReport:
    """Train Q in 2, 4, 8 and a network without PPT; test the first without prompt, the last with one click."""
    made = records(setting, [NetworkVariant(queries=count) for count in QUERIES], ["unprompted"], jobs)
    clicked = records(setting, [NetworkVariant(queries=0)], ["one-click"], jobs).assign(variant=WITHOUT)
    average = partial(averages, setting=setting, suite="unprompted")
    values = by_seed(pd.concat([made, clicked], ignore_index=True), average)
    part = intervals(values).set_axis(NAMES)
    caption = (
        "Dice (%) on the sets of one class: Q prompt tokens of PPT without any prompt, and without PPT one click "
        f"(slices that show the target); protocol bench; mean over {trainings(values)} with 95 % interval. "
        f"The paper's columns are of its own sets. {setting.text()}"
    )
    return AblationReport(
        name="queries",
        caption=caption,
        numbers=long(part),
        table=_table(part),
        figure=bars([Panel("prompt-free with Q queries, and one click without PPT (table 4)", part)], setting.text()),
        verdicts=_verdicts(values, setting),
    )


def _table(part: pd.DataFrame) -> pd.DataFrame:
    paper = read("table4", FOLDER).set_index("setting").add_prefix("paper: ").reindex(part.index)
    texts = part.map(lambda one: one.text())
    return pd.concat([texts, paper], axis=1).rename_axis("setting").reset_index()


def _verdicts(values: pd.DataFrame, setting: Setting) -> list[AblationVerdict]:
    foreign = [one.title for one in tests(setting, "unprompted").sets if one.name in setting.zero_shot]
    own = [title for title in values.columns if title not in (*foreign, MEAN)]
    return [
        enough(values, [*own, *foreign]),
        _over_click("PPT is better than one click in-domain (paper: by 1 to 3)", values, own),
        _over_click("PPT is better than one click out of domain (paper: ISLES by 6)", values, foreign),
    ]


def enough(values: pd.DataFrame, titles: list[str]) -> AblationVerdict:
    """Q = 2 suffices where no other Q can be better by more than `MARGIN`; wide intervals leave it undecided.

    Args:
        values: as `bench.studies.ablations.summary.by_seed` returns them, variants in the order of `NAMES`.
        titles: the columns; each counts as a case.
    """
    claim = "Q = 2 is sufficient for most cases"
    gaps = {title: [difference(values, other, 0, title) for other in range(1, WITHOUT)] for title in titles}
    beaten = [title for title, found in gaps.items() if any(gap.low > 0 for gap in found)]
    close = [title for title, found in gaps.items() if all(gap.high < MARGIN for gap in found)]
    facts = "; ".join(
        f"{title}: " + ", ".join(f"{name} {gap.signed()}" for name, gap in zip(NAMES[1:], found, strict=False))
        for title, found in gaps.items()
    )
    if len(values.loc[0]) < 3:
        return AblationVerdict(claim, "not testable", f"fewer than 3 seeds; less Q=2: {facts}")
    if 2 * len(close) > len(titles):
        return AblationVerdict(claim, "shows", f"less Q=2: {facts}")
    if 2 * len(beaten) >= len(titles):
        return AblationVerdict(claim, "does not show", f"less Q=2: {facts}")
    return AblationVerdict(
        claim, "not testable", f"the intervals reach beyond {MARGIN:g} Dice points; less Q=2: {facts}"
    )


def _over_click(claim: str, values: pd.DataFrame, titles: list[str]) -> AblationVerdict:
    if not titles:
        return AblationVerdict(claim, "not testable", "no data set of one class")
    return gains(claim, difference(values.assign(these=values[titles].mean(axis=1)), 0, WITHOUT, "these"))
