"""The numbers of the SegMoTE paper, held against their own rows and against ours."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

import numpy as np
import pandas as pd

from adapters.interface import MissingWeights
from adapters.weights.catalogue import CATALOGUE, locate
from bench.errors import RunError
from bench.statistics.patients import AVERAGE

# results/ lies beside the packages in a checkout and, as package data, in an installation.
FOLDER = Path(__file__).parents[2] / "results" / "published"
CITATION = (
    "Lu, Li, Ju, Su, Yao, Liu, Zhu, Cheng: SegMoTE: Token-Level Mixture of Experts for Medical Image Segmentation"
)

# Printed averages are rounded or cut off, of rows that are rounded themselves.
TOLERANCE = 0.01

# Our names of what the paper evaluates; what is not here has no reader of its own or no published weights.
DATASETS = {
    "ISLES": "isles2022",
    "IELES": "isles2022",
    "SegThor": "segthor",
    "Totalsegmentator (MRI)": "totalsegmentator-mri",
    "TotalSegmentator (MRI)": "totalsegmentator-mri",
}
MODELS = {
    "SAM": "sam/vit_b",
    "SAM 2": "sam2/hiera_base_plus",
    "SAM2": "sam2/hiera_base_plus",
    "MedSAM": "medsam/vit_b",
    "Huang et al.": "huang/vit_b",
    "SAM-Med2D": "sam-med2d/vit_b",
    "IMIS": "imis/vit_b",
    "Ours": "segmote/released",
}
OURS = "Ours"

Key = tuple[str, str, str]  # data set, row in lower case, model: our names


class Outcome(Enum):
    """What became of a published number or claim."""

    HOLDS = "holds"
    CONTRADICTED = "does not follow from the printed rows"
    REPRODUCED = "reproduced within our interval"
    DIFFERS = "differs"
    UNTESTABLE = "not testable here"


@dataclass(frozen=True, slots=True)
class PrintedScore:
    """One printed Dice, in percent.

    Attributes:
        table: 1, 2 or 4.
        dataset, row, model: as printed; row is "Average" in Table 2 and the setting in Table 4.
        coloured: printed as best or second best.
    """

    table: int
    dataset: str
    row: str
    model: str
    value: float
    coloured: bool

    @property
    def name(self) -> str:
        """Where it stands."""
        return f"Table {self.table}, {self.dataset}, {self.row}, {self.model}"


@dataclass(frozen=True, slots=True)
class Measured:
    """One of our numbers with its 95 % interval, in percent."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of a published number or claim.

    Attributes:
        id: stable, unique.
        where: table or section.
        quote: the printed text, or the name of the printed number.
        published: the number in the text; None if there is none.
        recomputed: the same from the printed rows, or counted in our networks; None if it cannot be.
        ours: measured by us; None if it was not.
        note: how the outcome came about, or what is missing.
    """

    id: str
    where: str
    quote: str
    published: float | None
    recomputed: float | None
    ours: Measured | None
    outcome: Outcome
    note: str


def read(name: str, folder: Path = FOLDER) -> pd.DataFrame:
    """One file of the published numbers, all columns as text.

    Raises:
        RunError: it is not there.
    """
    path = folder / f"{name}.csv"
    if not path.is_file():
        raise RunError(f"{path} is not there; use a checkout or a full installation of segmote-bench")
    return pd.read_csv(path, dtype=str, keep_default_na=False)


def cells(folder: Path = FOLDER) -> list[PrintedScore]:
    """All printed Dice values: Tables 1, 2 and 4."""
    first = read("table1", folder).melt(["dataset", "row"], var_name="model")
    second = read("table2", folder).melt(["dataset"], var_name="model").assign(row=AVERAGE)
    fourth = read("table4", folder).rename(columns={"setting": "row"}).melt(["row"], var_name="dataset")
    tables = ((1, first), (2, second), (4, fourth.assign(model=OURS)))
    return [
        PrintedScore(
            number, row["dataset"], row["row"], row["model"], float(row["value"].rstrip("*")), "*" in row["value"]
        )
        for number, table in tables
        for row in table.to_dict("records")
    ]


def recomputed(cell: PrintedScore, printed: Sequence[PrintedScore]) -> float | None:
    """The mean of the printed rows that an Average of Table 1 stands for; None for other cells."""
    same = [c for c in printed if (c.table, c.dataset, c.model) == (1, cell.dataset, cell.model)]
    rows = [c.value for c in same if c.row != AVERAGE]
    return float(np.mean(rows)) if cell.table == 1 and cell.row == AVERAGE else None


def check_averages(printed: Sequence[PrintedScore]) -> Iterator[Verdict]:
    """Every printed Average of Table 1 against the mean of its rows."""
    for cell in printed:
        mean = recomputed(cell, printed)
        if mean is None:
            continue
        fits = abs(mean - cell.value) < TOLERANCE + 1e-6
        note = f"the mean of the printed rows is {mean:.2f} ({_signed(mean - cell.value)})"
        outcome = Outcome.HOLDS if fits else Outcome.CONTRADICTED
        yield Verdict(f"average {cell.name}", "Table 1", cell.name, cell.value, mean, None, outcome, note)


def check_repeats(printed: Sequence[PrintedScore]) -> Iterator[Verdict]:
    """The baselines' values of Table 2 against those that Table 1 prints for the same data sets."""
    first = {_identity(c): c for c in printed if c.table == 1 and (c.row == AVERAGE or c.dataset == "ISLES")}
    for cell in printed:
        earlier = first.get(_identity(cell))
        if cell.table != 2 or cell.model == OURS or earlier is None:
            continue
        same = cell.value == earlier.value
        note = f"Table 1 prints {earlier.value:.2f} ({_signed(cell.value - earlier.value)})"
        outcome = Outcome.HOLDS if same else Outcome.DIFFERS
        yield Verdict(f"repeat {cell.name}", "Table 2", cell.name, cell.value, earlier.value, None, outcome, note)


def _signed(difference: float) -> str:
    return f"{round(difference, 2) + 0.0:+.2f}"  # no "-0.00"


def _identity(cell: PrintedScore) -> tuple[str | None, str | None]:
    return DATASETS.get(cell.dataset), MODELS.get(cell.model)


def check_cells(printed: Sequence[PrintedScore], ours: Mapping[Key, Measured]) -> Iterator[Verdict]:
    """Every printed value against ours."""
    for cell in printed:
        key = _key(cell)
        found = ours.get(key) if key else None
        mean = recomputed(cell, printed)
        if found is None:
            outcome, note = Outcome.UNTESTABLE, f"missing: {_missing(cell)}"
        else:
            inside = found.low <= cell.value <= found.high
            outcome = Outcome.REPRODUCED if inside else Outcome.DIFFERS
            note = f"ours {found.value:.2f} [{found.low:.2f}, {found.high:.2f}], {found.value - cell.value:+.2f}"
        yield Verdict(f"value {cell.name}", f"Table {cell.table}", cell.name, cell.value, mean, found, outcome, note)


def _key(cell: PrintedScore) -> Key | None:
    """Our name of a printed value; None if it cannot be measured with published weights."""
    dataset, model = _identity(cell)
    if dataset is None or model is None or cell.table == 4 or (cell.table == 2 and cell.model == OURS):
        return None
    return dataset, "ischemic stroke lesion" if dataset == "isles2022" else cell.row.lower(), model


def _missing(cell: PrintedScore) -> str:
    if cell.table != 1 and cell.model == OURS:
        return "the weights of this variant, which are not published"
    dataset, model = _identity(cell)
    absent = [] if model is None else _missing_weights(model)
    return "; ".join([*absent, f"a run on {dataset}" if dataset else f"the paper's test split of {cell.dataset}"])


def _missing_weights(model: str) -> list[str]:
    try:
        locate(model)
    except MissingWeights:
        return [CATALOGUE[model].file]
    return []
