"""Tuning the mask decoder in addition to MoTE and PPT: table 2."""

from functools import partial

import pandas as pd

from bench.comparing.published import FOLDER, OURS, cells
from bench.statistics.patients import AVERAGE
from bench.studies.ablations.output import AblationReport, Panel, bars, long
from bench.studies.ablations.setting import NetworkVariant, Setting
from bench.studies.ablations.summary import MEAN, by_seed, difference, gains, intervals, trainings
from bench.studies.ablations.testing import Suite, averages
from bench.studies.ablations.training import records

SUITES: tuple[Suite, ...] = ("in-domain", "zero-shot")
NAMES = ["frozen", "tuned"]
# Our titles of the paper's zero-shot sets.
TITLES = {"ISLES 2022": ("ISLES", "IELES"), "SegTHOR": ("SegThor", "SegThor")}
TITLES["TotalSegmentator MRI"] = ("Totalsegmentator (MRI)", "TotalSegmentator (MRI)")


def ablate(setting: Setting, jobs: int) -> AblationReport:
    """Train with the decoder frozen and tuned, test in-domain and zero-shot with boxes."""
    found = records(setting, [NetworkVariant(), NetworkVariant(decoder=True)], SUITES, jobs)
    values = {
        suite: by_seed(found[found["suite"] == suite], partial(averages, setting=setting, suite=suite))
        for suite in SUITES
    }
    parts = {suite: intervals(part).set_axis(NAMES) for suite, part in values.items()}
    caption = (
        f"Dice (%), prompt box, protocol bench; mean over {trainings(*values.values())} with 95 % interval; "
        f"the paper's frozen values are of Table 1, its tuned ones of Table 2. {setting.text()}"
    )
    return AblationReport(
        name="decoder",
        caption=caption,
        numbers=pd.concat([long(part, suite=suite) for suite, part in parts.items()], ignore_index=True),
        table=pd.concat([_table(values[suite], parts[suite], suite) for suite in SUITES], ignore_index=True),
        figure=bars([Panel(suite, part) for suite, part in parts.items()], setting.text()),
        verdicts=[gains(f"tuning the decoder improves, {suite}", difference(values[suite], 1, 0)) for suite in SUITES],
    )


def _table(values: pd.DataFrame, part: pd.DataFrame, suite: Suite) -> pd.DataFrame:
    printed = _printed()
    rows = []
    for title in part.columns:
        first, second = printed.get(title, (None, None)) if suite == "zero-shot" else (None, None)
        rows.append({
            "suite": suite, "data set": title,
            "frozen": str(part[title].loc["frozen"].text()), "tuned": str(part[title].loc["tuned"].text()),
            "tuned less frozen": difference(values, 1, 0, title).signed(),
            "paper: frozen": _number(first), "paper: tuned": _number(second),
        })  # fmt: skip
    return pd.DataFrame(rows)


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"


def _printed() -> dict[str, tuple[float, float]]:
    """The paper's own values by our titles: frozen (Table 1) and tuned (Table 2), and their means."""
    ours = [cell for cell in cells(FOLDER) if cell.model == OURS]
    first = {c.dataset: c.value for c in ours if c.table == 1 and (c.row == AVERAGE or c.dataset == "ISLES")}
    second = {c.dataset: c.value for c in ours if c.table == 2}
    pairs = {title: (first[frozen], second[tuned]) for title, (frozen, tuned) in TITLES.items()}
    return pairs | {MEAN: tuple(sum(column) / len(pairs) for column in zip(*pairs.values(), strict=True))}
