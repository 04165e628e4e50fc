"""`bench compare A B`: two runs with the same prompts."""

import math
from dataclasses import dataclass
from pathlib import Path
from textwrap import fill
from typing import TYPE_CHECKING, Annotated

import typer

from bench.commands.options import OK, Aggregation, aggregation_option

if TYPE_CHECKING:
    from bench.comparing.runs import RunComparison

WIDTH = 110
HEADS = ("data set", "prompt", "model", "A", "B", "B - A", "95 % interval", "p (Holm)", "B better", "same", "patients")


@dataclass(frozen=True, kw_only=True)
class CompareOptions:
    """Options of `bench compare`."""

    first: Annotated[Path, typer.Argument(metavar="A", help="Run folder A.")]
    second: Annotated[Path, typer.Argument(metavar="B", help="Run folder B.")]
    metric: Annotated[str, typer.Option(help="A metric of the records, for example nsd@2mm.")] = "dice"
    aggregation: Annotated[Aggregation | None, aggregation_option("that of A's protocol")] = None
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="Also write the differences to this CSV file.")] = (
        None
    )


def compare_command(options: CompareOptions) -> int:
    """Compare two runs with the same prompts, patient by patient, and say what changed between them."""
    from bench.comparing.runs import compare
    from bench.reporting.tables.safe_text import csv_text
    from bench.store.files import write_bytes

    found = compare(options.first, options.second, options.metric, options.aggregation)
    print(f"A: {options.first}\nB: {options.second}\n")
    print(_changes(found))
    for name, models in (("A", found.only_a), ("B", found.only_b)):
        if models:
            print(f"Only in {name}, not compared: {', '.join(models)}")
    print(f"\n{_table(found)}")
    if options.out:
        write_bytes(options.out, csv_text(found.frame).encode())
        print(f"\nwrote {options.out}")
    return OK


def _changes(found: "RunComparison") -> str:
    from tabulate import tabulate

    if not found.changes:
        return "Configuration, protocol, versions, weights and hardware are the same."
    rows = [(change.what, _short(change.first), _short(change.second)) for change in found.changes]
    return tabulate(rows, headers=["changed", "A", "B"], disable_numparse=True)


def _short(value: object) -> str:
    text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    return text if len(text) <= 40 else f"{text[:12]}..."


def _table(found: "RunComparison") -> str:
    from tabulate import tabulate

    scale, places = (100, 2) if found.metric.unit == "%" else (1, 3)

    def number(value: float, sign: str = "") -> str:
        return "-" if math.isnan(value) else f"{scale * value:{sign}.{places}f}"

    rows = [
        (
            row["dataset"],
            row["prompt"],
            row["model"],
            number(row["a"]),
            number(row["b"]),
            number(row["delta"], "+"),
            f"[{number(row['low'], '+')}, {number(row['high'], '+')}]",
            _p(row["p_holm"]),
            _share(row["wins"]),
            _share(row["ties"]),
            str(row["patients"]),
        )
        for row in found.frame.to_dict("records")
    ]
    caption = (
        f"{found.metric.title} ({found.metric.unit}; {found.metric.text}), {found.aggregation}. Differences with "
        f"intervals of the bootstrap over patients; p: Wilcoxon signed-rank test over patients, Holm-adjusted for "
        f"all {len(rows)} rows; B better, same: share of patients."
    )
    return f"{fill(caption, WIDTH)}\n\n{tabulate(rows, HEADS, 'simple', disable_numparse=True)}"


def _p(value: float) -> str:
    return "-" if math.isnan(value) else "< 0.001" if value < 0.001 else f"{value:.3f}"


def _share(value: float) -> str:
    return "-" if math.isnan(value) else f"{100 * value:.0f} %"
