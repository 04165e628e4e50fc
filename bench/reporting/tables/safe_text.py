"""Names that come from data, made harmless where they are shown: on a terminal, in a spreadsheet, in Markdown.

What a name could do: move the cursor or recolour the terminal (escape sequences), reverse the text after it
(bidirectional marks), run as a formula when a CSV file is opened, add a cell to a Markdown table.
"""

from typing import Any, TextIO

import pandas as pd

from bench.data.case import printable

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


class PrintableStream:
    """A stream that writes text as `printable`, line breaks and tabs aside; everything else is the stream's own.

    Args:
        stream: that is written to, such as `sys.stdout`.
        keep: control characters that pass.
    """

    def __init__(self, stream: TextIO, keep: str = "\n\t") -> None:
        self._stream = stream
        self._keep = keep

    def write(self, text: str) -> int:
        """Write the text made printable; characters that the stream's encoding lacks become escapes, too."""
        safe = printable(text, self._keep)
        encoding = getattr(self._stream, "encoding", None) or "utf-8"
        self._stream.write(safe.encode(encoding, "backslashreplace").decode(encoding))
        return len(text)

    def isatty(self) -> bool:
        """Whether a progress bar may be drawn; without carriage returns nothing is, and no help is coloured."""
        return "\r" in self._keep and self._stream.isatty()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)
