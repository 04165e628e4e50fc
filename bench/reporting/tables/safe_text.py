"""Names that come from data, made harmless where they are shown: in a spreadsheet, in Markdown.

What a name could do: run as a formula when a CSV file is opened, add a cell to a Markdown table. That it moves the
cursor, recolours the terminal or reverses the text after it, `bench.data.case.printable` prevents.
"""

from typing import Any

import pandas as pd

from bench.data.printable import printable

FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")  # noqa: RUF001 - spreadsheets take them, too


def csv_cell(value: Any) -> Any:
    """A value that no spreadsheet takes for a formula: texts that begin like one get an apostrophe in front.

    Numbers stay numbers, also negative ones written as text.

    Example:
        >>> csv_cell("=1+1"), csv_cell(-0.5), csv_cell("-0.5"), csv_cell("-")
        ("'=1+1", -0.5, '-0.5', '-')
    """
    if not isinstance(value, str) or not value.startswith(FORMULA) or value in ("-", "+") or _is_number(value):
        return printable(value) if isinstance(value, str) else value
    return "'" + printable(value)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def csv_frame(frame: pd.DataFrame) -> pd.DataFrame:
    """A frame whose texts and column names are `csv_cell`s."""
    texts = frame.select_dtypes(exclude="number").columns
    return frame.assign(**{name: frame[name].map(csv_cell) for name in texts}).rename(columns=csv_cell)


def markdown_cell(text: str) -> str:
    r"""A name for a cell of a Markdown table: no bar, line break or tag of its own.

    Example:
        >>> markdown_cell("core|edema"), markdown_cell("<b>")
        ('core\\|edema', '&lt;b>')
    """
    return printable(text).replace("\\", "\\\\").replace("|", "\\|").replace("<", "&lt;")
