"""The numbers of the paper's tables: published, recomputed from the printed rows, and ours, each with its origin."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path

import numpy as np
import pandas as pd

from bench.comparing.published import FOLDER, MODELS, PrintedScore, cells, recomputed
from bench.statistics.patients import AVERAGE
from bench.studies.reproduction.runs import OWN, RunNumber

OURS, OWN_TITLE = "Ours", "Ours, trained here"
NAN = float("nan")
TABLE_1 = ("SAM", "SAM 2", "MedSAM", "Huang et al.", "SAM-Med2D", "IMIS", OURS, OWN_TITLE)
TABLE_2 = ("SAM", "SAM 2", "SAM-Med2D", "IMIS", OURS)
SPELLINGS = {"SAM2": "SAM 2", "IELES": "ISLES"}  # of one name in different tables
SEVERAL = {"TotalSegmentator (MRI)": "Totalsegmentator (MRI)"}


@dataclass(frozen=True, slots=True)
class ReportNumber:
    """A number of the report; NaN where there is none.

    Attributes:
        item: "Table 1" and so on.
        dataset, row, model: as the paper spells them.
        published: as printed.
        recomputed: from the printed rows, or counted in our networks.
        ours, low, high: measured here, with its 95 % interval.
        source: where ours comes from: weights and data by name.
    """

    item: str
    dataset: str
    row: str
    model: str
    published: float = NAN
    recomputed: float = NAN
    ours: float = NAN
    low: float = NAN
    high: float = NAN
    source: str = ""


def paper_model(name: str) -> str:
    """The paper's name of a model, by its family; "" for baselines.

    >>> paper_model("sam2/mini"), paper_model("segmote/released"), paper_model("baseline/box")
    ('SAM 2', 'Ours', '')
    """
    if name == OWN:
        return OWN_TITLE
    families = {own.partition("/")[0]: title for title, own in reversed(MODELS.items())}
    found = families.get(name.partition("/")[0], "")
    return SPELLINGS.get(found, found)


def _spelled(name: str) -> str:
    name = SPELLINGS.get(name, name)
    return SEVERAL.get(name, name)


def table_1(found: Sequence[RunNumber], titles: Mapping[str, str]) -> list[ReportNumber]:
    """Every printed row of Table 1 with what is measured for it, by model.

    Args:
        found: of the zero-shot runs, prompt box.
        titles: our names of data sets to the paper's.
    """
    printed = [cell for cell in cells(FOLDER) if cell.table == 1]
    here = {(titles[one.dataset], one.row.lower(), paper_model(one.model)): one for one in found}
    numbers = [_printed("Table 1", cell, printed, here) for cell in printed]
    rows = dict.fromkeys((cell.dataset, cell.row) for cell in printed)
    known = ((key, here.get((key[0], key[1].lower(), OWN_TITLE))) for key in rows)
    own = [_measured("Table 1", *key, OWN_TITLE, one) for key, one in known if one is not None]
    return [*numbers, *own]


def _printed(
    item: str, cell: PrintedScore, printed: Sequence[PrintedScore], here: Mapping[tuple[str, str, str], RunNumber]
) -> ReportNumber:
    dataset, model = _spelled(cell.dataset), SPELLINGS.get(cell.model, cell.model)
    again = recomputed(cell, printed)
    one = here.get((dataset, cell.row.lower(), model))
    made = ReportNumber(item, dataset, cell.row, model, cell.value, NAN if again is None else again)
    return made if one is None else replace(made, ours=one.value, low=one.low, high=one.high, source=one.source)


def _measured(item: str, dataset: str, row: str, model: str, one: RunNumber) -> ReportNumber:
    return ReportNumber(item, dataset, row, model, NAN, NAN, one.value, one.low, one.high, one.source)


def figure_5(found: Sequence[RunNumber], titles: Mapping[str, str]) -> list[ReportNumber]:
    """Averages of the held-out sets by prompt; the paper draws them and prints no number."""
    averages = [one for one in found if one.row == AVERAGE and paper_model(one.model)]
    return [_measured("Figure 5", titles[one.dataset], one.prompt, paper_model(one.model), one) for one in averages]


def table_2(
    found: Sequence[RunNumber], titles: Mapping[str, str], tuned: Mapping[str, ReportNumber]
) -> list[ReportNumber]:
    """Every printed row of Table 2, then the sets that it does not have; "Ours" is the network with a tuned decoder.

    Args:
        found: of all runs; Averages with boxes are used.
        titles: our names of data sets to the paper's.
        tuned: from `tuned_decoder`.
    """
    printed = [cell for cell in cells(FOLDER) if cell.table == 2]
    averages = [one for one in found if one.row == AVERAGE and one.prompt == "box"]
    here = {(_spelled(titles[one.dataset]), AVERAGE.lower(), paper_model(one.model)): one for one in averages}
    here = {key: one for key, one in here.items() if key[2] in TABLE_2 and key[2] != OURS}
    numbers = [_printed("Table 2", cell, printed, here) for cell in printed]
    numbers = [_tuned(one, tuned) if one.model == OURS else one for one in numbers]
    known = {(one.dataset, one.model) for one in numbers}
    more = [
        _measured("Table 2", key[0], AVERAGE, key[2], one) for key, one in here.items() if (key[0], key[2]) not in known
    ]
    own = [_tuned(ReportNumber("Table 2", name, AVERAGE, OURS), tuned) for name in tuned if (name, OURS) not in known]
    return [*numbers, *more, *own]


def _tuned(made: ReportNumber, tuned: Mapping[str, ReportNumber]) -> ReportNumber:
    one = tuned.get(made.dataset)
    return made if one is None else replace(made, ours=one.ours, low=one.low, high=one.high, source=one.source)


def tuned_decoder(path: Path, titles: Mapping[str, str], source: str) -> dict[str, ReportNumber]:
    """The network with a tuned decoder, by the paper's names of data sets.

    Args:
        path: `decoder.csv` of the ablation.
        titles: titles in that file to the paper's names.
        source: of the numbers.
    """
    frame = pd.read_csv(path)
    rows = frame[(frame["variant"] == "tuned") & frame["dataset"].isin(titles)]
    made = {}
    for row in rows.to_dict("records"):
        name = _spelled(titles[row["dataset"]])
        made[name] = ReportNumber(
            "Table 2", name, AVERAGE, OURS, NAN, NAN, row["mean"], row["low"], row["high"], source
        )
    return made


def table_3(path: Path) -> list[ReportNumber]:
    """Printed and counted parameters, in millions.

    Args:
        path: `size.csv` of the ablation.
    """
    return [
        ReportNumber("Table 3", "", "learnable parameters (M)", row["method"], row["paper (M)"], row["counted"] / 1e6)
        for row in pd.read_csv(path).to_dict("records")
    ]


def table_4(path: Path | None, titles: Mapping[str, str], source: str) -> list[ReportNumber]:
    """Every printed number of Table 4, then ours on the sets that are there.

    Args:
        path: `queries.csv` of the ablation; None if it was not made.
        titles: titles in that file to the paper's names.
        source: of the numbers.
    """
    printed = [
        ReportNumber("Table 4", cell.dataset, cell.row, OURS, cell.value) for cell in cells(FOLDER) if cell.table == 4
    ]
    if path is None:
        return printed
    rows = pd.read_csv(path).to_dict("records")
    here = {(titles.get(row["dataset"], row["dataset"]), row["variant"]): row for row in rows}
    known = {(one.dataset, one.row): one for one in printed}
    asked = known | {key: ReportNumber("Table 4", *key, OURS) for key in here if key not in known}
    return [
        replace(one, ours=here[key]["mean"], low=here[key]["low"], high=here[key]["high"], source=source)
        if key in here
        else one
        for key, one in asked.items()
    ]


def frame(numbers: Sequence[ReportNumber]) -> pd.DataFrame:
    """One row per number, at full precision."""
    names = [field.name for field in fields(ReportNumber)]
    return pd.DataFrame([{name: getattr(one, name) for name in names} for one in numbers])


KINDS = ("published", "recomputed", "ours")


def wide(numbers: Sequence[ReportNumber], models: Sequence[str], ours: str = "ours") -> list[list[str]]:
    """A table with a column per model, and up to three lines per row: published, recomputed, ours with its interval.

    Args:
        numbers: of one item.
        models: the columns.
        ours: what our numbers are called, so that those of the mini world are told apart in every line.
    """
    by_place = {(one.dataset, one.row, one.model): one for one in numbers}
    head = ["data set", "row", "number", *models]
    lines = []
    for dataset, row in dict.fromkeys((one.dataset, one.row) for one in numbers):
        group = [by_place.get((dataset, row, model)) for model in models]
        for kind in KINDS:
            texts = ["" if one is None else text(one, kind) for one in group]
            if any(texts):
                lines.append([dataset, row, ours if kind == "ours" else kind, *texts])
    return [head, *lines]


def text(one: ReportNumber, kind: str) -> str:
    """A number as printed, ours with its interval; nothing where there is none."""
    value: float = getattr(one, kind)
    if np.isnan(value):
        return ""
    limits = f" [{one.low:.2f}, {one.high:.2f}]" if kind == "ours" and not np.isnan(one.low) else ""
    return f"{value:.2f}{limits}"
