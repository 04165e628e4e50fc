"""A table of text with its own columns: comparisons, the ledger, the audit of the paper."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import pandas as pd


@dataclass(frozen=True, slots=True, eq=False)
class TextTable:
    """A table whose columns mean different things, ready to be written.

    Attributes:
        name: file stem.
        caption: what a reader must know to read it without any other text.
        heads: column titles; the first column groups the rows.
        rows: texts as printed, one per column; all columns but `wide` and the first two are numbers.
        frame: the same at full precision, for CSV.
        notes: one for each mark in the rows.
        wide: columns of running text and the share of the page's width that each takes.
        titles: how names in the first two columns are spelled where they are set in type.
        prompt: the prompt kind that it is about; empty if about several.
        heading: a few words for it, where the prompt is known.
    """

    name: str
    caption: str
    heads: Sequence[str]
    rows: Sequence[Sequence[str]]
    frame: pd.DataFrame
    notes: Sequence[str] = ()
    wide: Sequence[tuple[str, float]] = ()
    titles: Mapping[str, str] | None = None
    prompt: str = ""
    heading: str = ""

    def title(self, name: str) -> str:
        """How a name is spelled where it is set in type."""
        return (self.titles or {}).get(name, name)

    def grouped(self) -> Iterator[tuple[str, list[Sequence[str]]]]:
        """The rows by their first column, which is left out of them."""
        for group in dict.fromkeys(row[0] for row in self.rows):
            yield group, [row[1:] for row in self.rows if row[0] == group]
