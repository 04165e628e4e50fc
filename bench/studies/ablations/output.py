"""An ablation's table and figure as files."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from tabulate import tabulate

from bench.reporting.tables.safe_text import csv_text
from bench.store.files import write_bytes
from bench.studies.ablations.summary import AblationVerdict, Interval
from bench.studies.pictures import TOKEN_COLOURS, long_names, save

BAR_SHARE = 0.8
VERDICTS = "verdicts.md"  # of all ablations in a folder


@dataclass(frozen=True, slots=True)
class Panel:
    """The bars of one panel: one group per data set, one bar per variant.

    Attributes:
        title: above it.
        values: `Interval` by variant's name (rows) and data set (columns).
    """

    title: str
    values: pd.DataFrame


@dataclass(frozen=True, slots=True)
class AblationReport:
    """An ablation's results, ready to be written.

    Attributes:
        name: of its files.
        caption: of table and figure.
        numbers: for the CSV file, at full precision.
        table: formatted as text; the paper's numbers have columns of their own.
        figure: for PNG and PDF.
        verdicts: one per claim.
    """

    name: str
    caption: str
    numbers: pd.DataFrame
    table: pd.DataFrame
    figure: Figure
    verdicts: Sequence[AblationVerdict]

    def markdown(self) -> str:
        """Caption, table and verdicts."""
        table = tabulate(self.table.to_dict("list"), "keys", "github", showindex=False, disable_numparse=True)
        lines = [f"- {verdict.text()}" for verdict in self.verdicts]
        return "\n".join([f"# {self.name}", "", self.caption, "", table, "", *lines, ""])

    def latex(self) -> str:
        """A booktabs table environment."""
        body = tabulate(self.table.to_dict("list"), "keys", "latex_booktabs", showindex=False, disable_numparse=True)
        caption = self.caption.replace("%", r"\%").replace("_", r"\_")
        head = [r"\begin{table}", r"\centering", rf"\caption{{{caption}}}", rf"\label{{tab:ablation-{self.name}}}"]
        return "\n".join([*head, body, r"\end{table}", ""])


def write(report: AblationReport, out: Path) -> list[Path]:
    """The report as CSV, Markdown, LaTeX, PNG and PDF; its verdicts replace those that `verdicts.md` has of it.

    Returns:
        All files written.
    """
    texts = {"csv": csv_text(report.numbers), "md": report.markdown(), "tex": report.latex()}
    paths = []
    for suffix, text in texts.items():
        paths.append(out / f"{report.name}.{suffix}")
        write_bytes(paths[-1], text.encode())
    return [*paths, *save(report.figure, out / report.name), _keep_verdicts(report, out / VERDICTS)]


def _keep_verdicts(report: AblationReport, path: Path) -> Path:
    known = path.read_text().splitlines() if path.exists() else []
    others = [line for line in known if line and not line.startswith(f"{report.name}: ")]
    write_bytes(path, "\n".join([*others, *(f"{report.name}: {one.text()}" for one in report.verdicts), ""]).encode())
    return path


def long(values: pd.DataFrame, **facts: str) -> pd.DataFrame:
    """`Interval` by variant and data set as rows: variant, dataset, mean, low, high, seeds."""
    rows = [
        {
            **facts,
            "variant": name,
            "dataset": column,
            "mean": one.mean,
            "low": one.low,
            "high": one.high,
            "seeds": one.n,
        }
        for name, line in values.iterrows()
        for column, one in line.items()
    ]
    return pd.DataFrame(rows)


def bars(panels: Sequence[Panel], title: str) -> Figure:
    """Panels one above the other, with the intervals as error bars."""
    widest = max(panel.values.shape[1] * (panel.values.shape[0] + 1) for panel in panels)
    drawn = Figure(figsize=(max(7.0, 0.3 * widest), 3.2 * len(panels) + 0.4), layout="constrained")
    for axes, panel in zip(drawn.subplots(len(panels), 1, squeeze=False)[:, 0], panels, strict=True):
        _bars(axes, panel)
    drawn.suptitle(title, fontsize=8)
    return drawn


def _bars(axes: Axes, panel: Panel) -> None:
    count, columns = len(panel.values), list(panel.values.columns)
    for row, (name, line) in enumerate(panel.values.iterrows()):
        means, reach = _heights(line)
        places = np.arange(len(columns)) + (row - (count - 1) / 2) * BAR_SHARE / count
        colour = TOKEN_COLOURS[row % len(TOKEN_COLOURS)]
        style: Mapping[str, object] = {"elinewidth": 0.8, "capsize": 2}
        axes.bar(places, means, BAR_SHARE / count, yerr=reach, color=colour, label=name, error_kw=style)
    axes.set_xticks(range(len(columns)), long_names(columns), fontsize=7)
    axes.set_ylabel("Dice (%)")
    axes.set_ylim(0, 100)
    axes.set_title(panel.title, fontsize=9)
    axes.legend(fontsize=7, frameon=False, loc="center left", bbox_to_anchor=(1, 0.5))  # bars may reach to the top
    axes.spines[["top", "right"]].set_visible(False)


def _heights(line: "pd.Series[float]") -> tuple[list[float], list[float]]:
    found: list[Interval] = list(line)  # type: ignore[arg-type]
    return [one.mean for one in found], [0.0 if np.isnan(one.low) else one.high - one.mean for one in found]
