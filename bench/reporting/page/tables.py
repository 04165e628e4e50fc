"""Tables and sheets as a page needs them: texts with what a column is sorted by."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from bench.reporting.tables.sheet import Sheet
from bench.reporting.tables.table import Cell, Table, printed
from bench.scoring.metrics import Metric
from bench.statistics.patients import AVERAGE

NUMBER = re.compile(r"[+-]?\d+(?:\.\d+)?(?:e[+-]?\d+)?")
TONES = ("", "best", "second")


@dataclass(frozen=True, slots=True)
class Box:
    """A cell.

    Attributes:
        text: as printed.
        small: what stands below it in small type (an interval).
        sort: a number to sort by, or nothing: such cells come last in any order.
        tone: a class of the style sheet.
    """

    text: str
    small: str = ""
    sort: float | None = None
    tone: str = ""


@dataclass(frozen=True, slots=True)
class Head:
    """A column: its title, and whether it is sorted by number."""

    title: str
    numeric: bool


@dataclass(frozen=True, slots=True)
class Row:
    """Cells of a row, and a class of the style sheet."""

    boxes: Sequence[Box]
    tone: str = ""


@dataclass(frozen=True, slots=True)
class Grid:
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
    heads: Sequence[Head]
    rows: Sequence[Row]
    notes: Sequence[str] = ()


def grid(table: Table | Sheet, title: str) -> Grid:
    """A table or a sheet of a run, under a title of a few words."""
    return _of_sheet(table, title) if isinstance(table, Sheet) else _of_table(table, title)


def _of_table(table: Table, title: str) -> Grid:
    heads = [Head(table.heads[0], False), Head(table.heads[1], False), Head("n", True), Head("patients", True)]
    heads += [Head(name, True) for name in table.models]
    rows = []
    for line in table.lines:
        counts = [Box(str(count), sort=float(count)) for count in (line.n, line.patients)]
        labels = [Box(line.group), Box(line.label), *counts]
        boxes = [
            _cell(cell, table.metric, TONES[place]) for cell, place in zip(line.cells, table.ranks(line), strict=True)
        ]
        rows.append(Row([*labels, *boxes], "average" if line.label == AVERAGE else ""))
    return Grid(table.name, title, table.caption, heads, rows, table.notes)


def _cell(cell: Cell, metric: Metric, tone: str) -> Box:
    sort = printed(cell.value, metric) if cell.defined else None
    return Box(cell.text(metric), cell.interval(metric) if cell.applicable else "", sort, tone)


def _of_sheet(sheet: Sheet, title: str) -> Grid:
    wide = {name for name, _ in sheet.wide}
    columns = zip(*sheet.rows, strict=True) if sheet.rows else [()] * len(sheet.heads)
    numeric = [
        place > 1 and head not in wide and any(_first_number(text) is not None for text in column)
        for place, (head, column) in enumerate(zip(sheet.heads, columns, strict=True))
    ]
    heads = [Head(head, number) for head, number in zip(sheet.heads, numeric, strict=True)]
    rows = [
        Row(
            [
                Box(str(text), sort=_first_number(text) if number else None)
                for text, number in zip(row, numeric, strict=True)
            ]
        )
        for row in sheet.rows
    ]
    return Grid(sheet.name, title, sheet.caption, heads, rows, sheet.notes)


def _first_number(text: str) -> float | None:
    """The number that a text begins with."""
    found = NUMBER.match(str(text))
    return float(found.group()) if found else None


def of_frame(name: str, title: str, caption: str, frame: pd.DataFrame, at_most: int = 500) -> Grid:
    """A frame of texts; what does not fit is counted in the caption."""
    rows = [Row([Box(_text(value)) for value in row]) for row in frame.head(at_most).to_numpy().tolist()]
    if len(frame) > at_most:
        caption = f"{caption} The first {at_most} of {len(frame)}."
    return Grid(name, title, caption, [Head(str(column).replace("_", " "), False) for column in frame], rows)


def _text(value: Any) -> str:
    return "" if pd.isna(value) else str(value)
