"""A table of numbers ready to be written: cells, lines, best and second best."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from bench.reporting.tables.ledger import MARKS, Seen
from bench.scoring.metrics import METRICS, Metric
from bench.statistics.patients import AVERAGE

DICE = METRICS["dice"]
Role = Literal["headline", "summary", "rounds", "other"]


def printed(value: float, metric: Metric) -> float:
    """A value in its printed unit: shares times 100."""
    return 100 * value if metric.unit == "%" else value


def number(value: float, metric: Metric) -> str:
    """A printed value: two decimals, "-" if undefined."""
    return "-" if np.isnan(value) else f"{printed(value, metric):.2f}"


@dataclass(frozen=True, slots=True)
class Cell:
    """One number of a table.

    Attributes:
        value: in the metric's own unit (overlaps in [0, 1]), NaN if undefined or not applicable.
        n: how many values it is the mean of.
        undefined, failed: how many were left out, and why.
        applicable: False if the model does not take this prompt.
        forced: the model was asked with a prompt that it never saw in training.
        low, high: limits of the 95 % interval, NaN if there is none (fewer than two patients).
        patients: how many patients have a value in it.
        seen: whether the weights have seen the data set in training.
    """

    value: float
    n: int = 0
    undefined: int = 0
    failed: int = 0
    applicable: bool = True
    forced: bool = False
    low: float = float("nan")
    high: float = float("nan")
    patients: int = 0
    seen: Seen = "no"

    @property
    def defined(self) -> bool:
        """There is a number to print."""
        return self.applicable and not np.isnan(self.value)

    @property
    def marks(self) -> list[str]:
        """What the notes below a table explain: `*`, the ledger's mark, `uK`, `fK`."""
        if not self.applicable:
            return []
        counts = [f"u{self.undefined}"] * bool(self.undefined) + [f"f{self.failed}"] * bool(self.failed)
        return [mark for mark in ("*" * self.forced, MARKS[self.seen] * self.defined) if mark] + counts

    def number(self, metric: Metric = DICE) -> str:
        """The value alone: two decimals, "-" if undefined, "n/a" if the model does not take the prompt."""
        return number(self.value, metric) if self.applicable else "n/a"

    def interval(self, metric: Metric = DICE) -> str:
        """Both limits in brackets; "-" if there are none; nothing without a value."""
        if not self.defined:
            return ""
        return "-" if np.isnan(self.low) else f"[{number(self.low, metric)}, {number(self.high, metric)}]"

    def text(self, metric: Metric = DICE) -> str:
        """The value with its marks."""
        glued = [mark for mark in self.marks if mark[0] not in "uf"]
        counts = [mark for mark in self.marks if mark[0] in "uf"]
        return " ".join([self.number(metric) + "".join(glued), *counts])


@dataclass(frozen=True, slots=True)
class Line:
    """One row of a table: its group (data set), its label, and one cell per model."""

    group: str
    label: str
    cells: Sequence[Cell]

    @property
    def n(self) -> int:
        """Largest number of values behind a cell of the row."""
        return max((cell.n for cell in self.cells), default=0)

    @property
    def patients(self) -> int:
        """Largest number of patients behind a cell of the row."""
        return max((cell.patients for cell in self.cells), default=0)


def places(cells: Sequence[Cell], metric: Metric) -> list[int]:
    """1 for the best printed value, 2 for the second best, else 0; none for a lone value or where none is better."""
    shown = [round(printed(c.value, metric), 2) if c.defined else None for c in cells]
    if metric.higher_is_better is None or sum(value is not None for value in shown) < 2:
        return [0] * len(cells)
    order = sorted({value for value in shown if value is not None}, reverse=metric.higher_is_better)[:2]
    return [order.index(value) + 1 if value in order else 0 for value in shown]


@dataclass(frozen=True, slots=True)
class Table:
    """A table ready to be written.

    Attributes:
        name: file stem.
        caption: says metric, prompt, protocol, aggregation, weights, data, n and what the intervals are.
        models: column titles (with another `axis`: data sets).
        lines: grouped by data set, in order.
        notes: one for each mark that stands in the table.
        metric: what the numbers are.
        heads: titles of the two label columns.
        axis: what the columns are.
        down: the best value is looked for down a column of a group, not along a row.
        titles: how names are spelled where they are set in type; others are printed as they are.
        prompt: the prompt kind that it is about; empty if about several.
        heading: a few words for it, where the prompt is known.
        role: "headline" of its prompt, the "summary" of that, its scores by "rounds", or another one.
    """

    name: str
    caption: str
    models: Sequence[str]
    lines: Sequence[Line]
    notes: Sequence[str] = ()
    metric: Metric = DICE
    heads: tuple[str, str] = ("data set", "class")
    axis: str = "model"
    down: bool = False
    titles: Mapping[str, str] | None = None
    prompt: str = ""
    heading: str = ""
    role: Role = "other"

    def title(self, name: str) -> str:
        """How a name is spelled where it is set in type."""
        return (self.titles or {}).get(name, name)

    def ranks(self, line: Line) -> list[int]:
        """1 for the best printed value, 2 for the second best, 0 for the others; equal values share a rank."""
        if not self.down:
            return places(line.cells, self.metric)
        same = [other for other in self.lines if other.group == line.group]
        columns = zip(*(other.cells for other in same), strict=True)
        return [places(column, self.metric)[same.index(line)] for column in columns]

    def summary(self) -> "Table":
        """Only the Average of each data set (of one class: that class)."""
        last = {line.group: replace(line, label=AVERAGE) for line in self.lines}
        return replace(self, name=f"{self.name}-summary", lines=list(last.values()), role="summary")
