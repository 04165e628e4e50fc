"""Tables as a page needs them: texts with what a column is sorted by."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from bench.reporting.tables.table import Cell, Table, printed
from bench.reporting.tables.text_table import TextTable
from bench.scoring.metrics import Metric
from bench.statistics.patients import AVERAGE

NUMBER = re.compile(r"[+-]?\d+(?:\.\d+)?(?:e[+-]?\d+)?")
TONES = ("", "best", "second")


@dataclass(frozen=True, slots=True)
class PageCell:
    """A cell.

    Attributes:
        text: as printed.
        small: what stands below it in small type (an interval).
        sort: a number to sort by, or nothing: such cells come last in any order.
        tone: a class of the style table.
    """

    text: str
    small: str = ""
    sort: float | None = None
    tone: str = ""


@dataclass(frozen=True, slots=True)
class PageColumn:
    """A column: its title, and whether it is sorted by number."""

    title: str
    numeric: bool


@dataclass(frozen=True, slots=True)
class PageRow:
    """Cells of a row, and a class of the style table."""

    cells: Sequence[PageCell]
    tone: str = ""


@dataclass(frozen=True, slots=True)
class PageTable:
    """A table of a page.

    Attributes:
        name: file stem of the table.
        title: a few words.
        caption: what a reader must know.
        notes: one for each mark.
    """

    name: str
    title: str
    caption: str
    columns: Sequence[PageColumn]
    rows: Sequence[PageRow]
    notes: Sequence[str] = ()


def page_table(table: Table | TextTable) -> PageTable:
    """A table of a run as the page shows it."""
    return _of_text_table(table) if isinstance(table, TextTable) else _of_scores(table)


def _of_scores(table: Table) -> PageTable:
    columns = [PageColumn(head, False) for head in table.heads]
    columns += [PageColumn(head, True) for head in ("n", "patients", *table.models)]
    rows = []
    for line in table.lines:
        counts = [PageCell(str(count), sort=float(count)) for count in (line.n, line.patients)]
        scores = [
            _cell(cell, table.metric, TONES[place]) for cell, place in zip(line.cells, table.ranks(line), strict=True)
        ]
        cells = [PageCell(line.group), PageCell(line.label), *counts, *scores]
        rows.append(PageRow(cells, "average" if line.label == AVERAGE else ""))
    return PageTable(table.name, table.heading, table.caption, columns, rows, table.notes)


def _cell(cell: Cell, metric: Metric, tone: str) -> PageCell:
    sort = printed(cell.value, metric) if cell.defined else None
    return PageCell(cell.text(metric), cell.interval(metric) if cell.applicable else "", sort, tone)


def _of_text_table(table: TextTable) -> PageTable:
    wide = {name for name, _ in table.wide}
    texts = zip(*table.rows, strict=True) if table.rows else [()] * len(table.heads)
    numeric = [
        place > 1 and head not in wide and any(_first_number(text) is not None for text in column)
        for place, (head, column) in enumerate(zip(table.heads, texts, strict=True))
    ]
    columns = [PageColumn(head, number) for head, number in zip(table.heads, numeric, strict=True)]
    rows = [
        PageRow([PageCell(text, sort=_first_number(text) if number else None) for text, number in pairs])
        for pairs in (zip(map(str, row), numeric, strict=True) for row in table.rows)
    ]
    return PageTable(table.name, table.heading, table.caption, columns, rows, table.notes)


def _first_number(text: str) -> float | None:
    """The number that a text begins with."""
    found = NUMBER.match(str(text))
    return float(found.group()) if found else None


def of_frame(name: str, title: str, caption: str, frame: pd.DataFrame, at_most: int = 500) -> PageTable:
    """A frame of texts; what does not fit is counted in the caption."""
    rows = [PageRow([PageCell(_text(value)) for value in row]) for row in frame.head(at_most).to_numpy().tolist()]
    if len(frame) > at_most:
        caption = f"{caption} The first {at_most} of {len(frame)}."
    return PageTable(name, title, caption, [PageColumn(str(column).replace("_", " "), False) for column in frame], rows)


def _text(value: Any) -> str:
    return "" if pd.isna(value) else str(value)
