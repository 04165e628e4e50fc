"""What a look inside found, as files."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from bench.data.case import Defect
from bench.studies.pictures import save, save_table


@dataclass(frozen=True, slots=True, eq=False)
class InsideReport:
    """Figures and the numbers behind them.

    Attributes:
        text: for the console; may be empty.
        figures: by the stem of their files.
        tables: by the stem of their files.
    """

    text: str
    figures: Mapping[str, Figure]
    tables: Mapping[str, pd.DataFrame]


def write(report: InsideReport, defects: Sequence[Defect], out: Path) -> list[Path]:
    """The report as PNG, PDF and CSV, with a table of what could not be read, if anything.

    Returns:
        All files written.
    """
    tables = dict(report.tables)
    if defects:
        rows = [(one.dataset, one.case, one.kind, one.reason) for one in defects]
        tables["left-out"] = pd.DataFrame(rows, columns=["dataset", "case", "kind", "reason"])
    figures = [path for stem, figure in report.figures.items() for path in save(figure, out / stem)]
    return figures + [path for stem, table in tables.items() for path in save_table(table, out / stem)]
