"""Records to tables: the aggregations by name, and their rendering."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from textwrap import fill

import numpy as np
import pandas as pd
from tabulate import tabulate

from bench.cases import class_of

AVERAGE = "Average"
WIDTH = 110  # of captions on the console


@dataclass(frozen=True, slots=True)
class Aggregation:
    """How masks become a row and rows become the Average.

    Attributes:
        metric: which records are read.
        text: for captions.
        row: records of one (data set, row, model) to the row's value.
        average: records of one (data set, model), and its row values, to the Average.
    """

    metric: str
    text: str
    row: Callable[[pd.DataFrame], float]
    average: Callable[[pd.DataFrame, "pd.Series[float]"], float]


def _mean(records: pd.DataFrame) -> float:
    return float(records["value"].mean())


def _mean_of_patients(records: pd.DataFrame) -> float:
    return float(records.groupby("patient")["value"].mean().mean())


def _mean_of_images(records: pd.DataFrame, rows: "pd.Series[float]") -> float:
    return float(records.groupby(["case", "slice"])["value"].mean().mean())


def _mean_of_rows(records: pd.DataFrame, rows: "pd.Series[float]") -> float:
    return float(rows.mean())


AGGREGATIONS: dict[str, Aggregation] = {
    "macro_class": Aggregation("dice", "mean over classes of the mean over a class's masks", _mean, _mean_of_rows),
    "mean_image": Aggregation("dice", "mean over images of the mean over an image's masks", _mean, _mean_of_images),
    "mean_mask": Aggregation("dice", "mean over all masks", _mean, lambda records, rows: _mean(records)),
    "per_case": Aggregation(
        "dice", "mean over classes of the mean over patients of a patient's masks", _mean_of_patients, _mean_of_rows
    ),
    "volume": Aggregation(
        "volume_dice", "mean over classes of the mean Dice of volumes stacked from slices", _mean, _mean_of_rows
    ),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Cell:
    """One number of a table.

    Attributes:
        value: in [0, 1], NaN if undefined or not applicable.
        n: how many values it is the mean of.
        undefined, failed: how many were left out, and why.
        applicable: False if the model does not take this prompt.
        forced: the model was asked with a prompt that it never saw in training.
    """

    value: float
    n: int = 0
    undefined: int = 0
    failed: int = 0
    applicable: bool = True
    forced: bool = False

    def text(self) -> str:
        """Percent with two decimals and the marks that the caption explains."""
        if not self.applicable:
            return "n/a"
        marks = [f"u{self.undefined}"] * bool(self.undefined) + [f"f{self.failed}"] * bool(self.failed)
        number = "-" if np.isnan(self.value) else f"{100 * self.value:.2f}"
        return " ".join([number + "*" * self.forced, *marks])


@dataclass(frozen=True, slots=True)
class Line:
    """One row of a table: its group (data set), its label, and a cell a model."""

    group: str
    label: str
    cells: Sequence[Cell]

    @property
    def n(self) -> int:
        """Largest number of values behind a cell of the row."""
        return max((cell.n for cell in self.cells), default=0)

    def ranks(self) -> list[int]:
        """1 for the best printed value, 2 for the second best, 0 for the others; equal values share a rank."""
        printed = [round(100 * c.value, 2) if c.applicable and not np.isnan(c.value) else -1.0 for c in self.cells]
        order = sorted({value for value in printed if value >= 0}, reverse=True)[:2]
        return [order.index(value) + 1 if value in order else 0 for value in printed]


@dataclass(frozen=True, slots=True)
class Table:
    """A table ready to be written.

    Attributes:
        name: file stem.
        caption: one sentence that says metric, prompt, protocol, aggregation, weights and data.
        models: column titles.
        lines: grouped by data set, in order.
    """

    name: str
    caption: str
    models: Sequence[str]
    lines: Sequence[Line]

    def summary(self) -> "Table":
        """Only the Average of each data set (of one class: that class)."""
        last = {line.group: replace(line, label=AVERAGE) for line in self.lines}
        return Table(f"{self.name}-summary", self.caption, self.models, list(last.values()))


def cells(
    records: pd.DataFrame, aggregation: str, rows: Mapping[str, Mapping[str, Sequence[str]]]
) -> dict[tuple[str, str, str], Cell]:
    """Cells by (data set, row, model) for one prompt and round.

    Args:
        records: of one prompt kind and one round, all metrics.
        aggregation: name, see `AGGREGATIONS`.
        rows: for each data set, row label to the targets pooled in it; targets in no row get their own.
    """
    rule = AGGREGATIONS[aggregation]
    chosen = records[records["metric"] == rule.metric].copy()
    label_of = {(d, t): label for d, labels in rows.items() for label, targets in labels.items() for t in targets}
    pairs = zip(chosen["dataset"], chosen["target"].map(class_of), strict=True)
    chosen["row"] = [label_of.get((d, t), t) for d, t in pairs]
    result: dict[tuple[str, str, str], Cell] = {}
    for (dataset, model), part in chosen.groupby(["dataset", "model"], sort=True):
        values = {label: rule.row(group) for label, group in part.groupby("row", sort=True)}
        for label, group in part.groupby("row", sort=True):
            result[dataset, label, model] = _cell(values[label], group)
        average = rule.average(part, pd.Series(values, dtype=float))
        result[dataset, AVERAGE, model] = _cell(average, part)
    return result


def _cell(value: float, records: pd.DataFrame) -> Cell:
    count = records["status"].value_counts()
    return Cell(value, int(count.get("ok", 0)), int(count.get("undefined", 0)), int(count.get("failed", 0)))


def columns(table: Table) -> list[str]:
    """Titles of all columns."""
    return ["data set", "class", "n", *table.models]


def to_frame(table: Table) -> pd.DataFrame:
    """Full-precision values, one line a (row, model): data set, class, model, dice, n, undefined, failed."""
    rows = [
        {
            "dataset": line.group,
            "class": line.label,
            "model": model,
            "dice": cell.value,
            "n": cell.n,
            "undefined": cell.undefined,
            "failed": cell.failed,
            "applicable": cell.applicable,
            "untrained_prompt": cell.forced,
        }
        for line in table.lines
        for model, cell in zip(table.models, line.cells, strict=True)
    ]
    return pd.DataFrame(rows)


def to_console(table: Table) -> str:
    """Plain text with the caption above."""
    align = ["left", "left", *["right"] * (1 + len(table.models))]
    body = tabulate(
        _text(table), columns(table), "simple", disable_numparse=True, colalign=align if table.lines else None
    )
    return f"{fill(table.caption, WIDTH)}\n\n{body}"


def to_markdown(table: Table) -> str:
    """GitHub Markdown: best bold, second best underlined by <ins>."""
    marks = {0: "{}", 1: "**{}**", 2: "<ins>{}</ins>"}
    body = tabulate(_text(table, marks), headers=columns(table), tablefmt="github", disable_numparse=True)
    return f"{table.caption}\n\n{body}\n"


def _text(table: Table, marks: Mapping[int, str] | None = None) -> list[list[str]]:
    rows, last = [], None
    for line in table.lines:
        ranks = line.ranks() if marks else [0] * len(line.cells)
        texts = [(marks or {0: "{}"})[r].format(c.text()) for r, c in zip(ranks, line.cells, strict=True)]
        rows.append(["" if line.group == last else line.group, line.label, str(line.n), *texts])
        last = line.group
    return rows


_LATEX = str.maketrans({
    "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_", "{": r"\{", "}": r"\}",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "\\": r"\textbackslash{}",
})  # fmt: skip


def to_latex(table: Table) -> str:
    """A booktabs table environment: best bold, second best underlined. Needs \\usepackage{booktabs}."""
    marks = {0: "{}", 1: r"\textbf{{{}}}", 2: r"\underline{{{}}}"}
    head = " & ".join(title.translate(_LATEX) for title in columns(table))
    body, last = [], None
    for line in table.lines:
        if last not in (None, line.group) or (line.label == AVERAGE and line.group == last):
            body.append(r"\midrule")
        texts = [marks[r].format(c.text().translate(_LATEX)) for r, c in zip(line.ranks(), line.cells, strict=True)]
        group = "" if line.group == last else line.group
        body.append(" & ".join([group.translate(_LATEX), line.label.translate(_LATEX), str(line.n), *texts]) + r" \\")
        last = line.group
    return "\n".join([
        r"\begin{table}", r"\centering", rf"\caption{{{table.caption.translate(_LATEX)}}}",
        rf"\label{{tab:{table.name}}}", rf"\begin{{tabular}}{{llr{'r' * len(table.models)}}}", r"\toprule",
        head + r" \\", r"\midrule", *body, r"\bottomrule", r"\end{tabular}", r"\end{table}", "",
    ])  # fmt: skip


FORMATS: dict[str, Callable[[Table], str]] = {
    "console": to_console,
    "csv": lambda table: to_frame(table).to_csv(index=False),
    "md": to_markdown,
    "tex": to_latex,
}
