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
    if not isinstance(value, str):
        return value
    # Behind apostrophes, too, so that `csv_name` knows which one is ours.
    formula = value.lstrip("'").startswith(FORMULA) and value not in ("-", "+") and not _is_number(value)
    return "'" * formula + printable(value)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def csv_text(frame: pd.DataFrame) -> str:
    """A frame without its index as comma-separated values, whose texts and column names are `csv_cell`s.

    Every CSV file with names from data is written by it.
    """
    texts = frame.select_dtypes(exclude="number").columns
    safe = frame.assign(**{name: frame[name].map(csv_cell) for name in texts}).rename(columns=csv_cell)
    return safe.to_csv(index=False)


def csv_name(cell: str) -> str:
    """The name that `csv_cell` wrote.

    Example:
        >>> csv_name(csv_cell("=liver")), csv_name("liver")
        ('=liver', 'liver')
    """
    return cell.removeprefix("'") if cell.lstrip("'").startswith((*FORMULA, "\\")) else cell


def markdown_cell(text: str) -> str:
    r"""A name for a cell of a Markdown table: no bar, line break or tag of its own.

    Example:
        >>> markdown_cell("core|edema"), markdown_cell("<b>")
        ('core\\|edema', '&lt;b>')
    """
    return printable(text).replace("\\", "\\\\").replace("|", "\\|").replace("<", "&lt;")
