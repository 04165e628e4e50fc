"""Tables as text: console, CSV, Markdown; LaTeX has a module of its own."""

import re
from collections.abc import Callable, Sequence
from textwrap import fill

import pandas as pd
from tabulate import tabulate

from bench.data.printable import printable
from bench.reporting.tables.averages import cells
from bench.reporting.tables.latex import to_latex
from bench.reporting.tables.safe_text import csv_text, markdown_cell
from bench.reporting.tables.table import DICE, Cell, Line, Table
from bench.reporting.tables.text_table import TextTable
from bench.statistics.patients import AGGREGATIONS, AVERAGE

__all__ = [
    "AGGREGATIONS",
    "AVERAGE",
    "DICE",
    "FORMATS",
    "RANKED",
    "Cell",
    "Line",
    "Table",
    "TextTable",
    "cells",
    "to_console",
    "to_csv",
    "to_frame",
    "to_latex",
    "to_markdown",
]  # fmt: skip

WIDTH = 110  # of captions on the console, in characters


def to_frame(table: Table) -> pd.DataFrame:
    """Values at full precision in the metric's own unit, one row per cell: labels, metric, value, limits, counts.

    Value and limits are empty where they are undefined.
    """
    labels = [head.replace(" ", "") for head in table.heads]
    rows = [
        {labels[0]: line.group, labels[1]: line.label, table.axis: column, "metric": table.metric.name}
        | {name: getattr(cell, name) for name in ("value", "low", "high", "n", "patients", "undefined", "failed")}
        | {"applicable": cell.applicable, "untrained_prompt": cell.forced, "seen": cell.seen}
        for line in table.lines
        for column, cell in zip(table.models, line.cells, strict=True)
    ]
    return pd.DataFrame(rows)


def to_csv(table: Table | TextTable) -> str:
    """Comma-separated values at full precision, one row per cell (per row of a text table)."""
    return csv_text(to_frame(table) if isinstance(table, Table) else table.frame)


def to_console(table: Table | TextTable, intervals: bool = True) -> str:
    """Plain text: the caption, the values with their intervals below them, the notes."""
    if isinstance(table, TextTable):
        body = _text_rows(table, "simple", [int(WIDTH * share) for share in _shares(table)])
    else:
        body = _grid(table, intervals)
    notes = [fill("; ".join(table.notes) + ".", WIDTH)] if table.notes else []
    return "\n\n".join([fill(table.caption, WIDTH), body, *notes])


def _grid(table: Table, intervals: bool) -> str:
    rows: list[list[str]] = []
    last = None
    for line in table.lines:
        texts = [c.text(table.metric) for c in line.cells]
        labels = ["" if line.group == last else printable(line.group), printable(line.label)]
        rows.append([*labels, str(line.n), str(line.patients), *texts])
        if intervals:
            rows.append(["", "", "", "", *(c.interval(table.metric) for c in line.cells)])
        last = line.group
    heads = [*table.heads, "n", "patients", *map(printable, table.models)]
    align = ["left", "left", *["right"] * (2 + len(table.models))]
    return tabulate(rows, heads, "simple", disable_numparse=True, colalign=align if rows else None)


def to_markdown(table: Table | TextTable) -> str:
    """GitHub Markdown: best bold, second best underlined by <ins>, intervals in small type."""
    if isinstance(table, TextTable):
        body = re.sub(r"(\[[^]|]*, [^]|]*\])", r"<sub>\1</sub>", _text_rows(table, "github", []))
        caption = table.caption
    else:
        body, caption = _markdown(table), f"{table.caption} {RANKED}"
    notes = [f"{'; '.join(table.notes)}."] if table.notes else []
    return "\n\n".join([caption, body, *notes]) + "\n"


RANKED = "Bold: best, underlined: second best."


def _markdown(table: Table) -> str:
    styles = {0: "{}", 1: "**{}**", 2: "<ins>{}</ins>"}
    rows, last = [], None
    for line in table.lines:
        texts = [
            styles[rank].format(c.text(table.metric)) for rank, c in zip(table.ranks(line), line.cells, strict=True)
        ]
        small = [f"<br><sub>{text}</sub>" if (text := c.interval(table.metric)) else "" for c in line.cells]
        values = [value + limits for value, limits in zip(texts, small, strict=True)]
        labels = ["" if line.group == last else markdown_cell(line.group), markdown_cell(line.label)]
        rows.append([*labels, str(line.n), str(line.patients), *values])
        last = line.group
    heads = [*table.heads, "n", "patients", *map(markdown_cell, table.models)]
    return tabulate(rows, headers=heads, tablefmt="github", disable_numparse=True)


def _shares(table: TextTable) -> list[float]:
    shares = dict(table.wide)
    return [shares.get(head, 0.4) for head in table.heads]


def _text_rows(table: TextTable, style: str, widths: Sequence[int]) -> str:
    safe = markdown_cell if style == "github" else printable
    rows = [
        ["" if number else safe(group), *map(safe, row)]
        for group, part in table.grouped()
        for number, row in enumerate(part)
    ]
    texts = {name for name, _ in table.wide} | set(table.heads[:2])
    align = ["left" if head in texts else "right" for head in table.heads]
    return tabulate(
        rows,
        [safe(head) for head in table.heads],
        style,
        disable_numparse=True,
        colalign=align if rows else None,
        maxcolwidths=list(widths) or None,
    )


FORMATS: dict[str, Callable[[Table | TextTable], str]] = {
    "console": to_console,
    "csv": to_csv,
    "md": to_markdown,
    "tex": to_latex,
}
