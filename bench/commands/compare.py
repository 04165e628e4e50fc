"""`bench compare A B`: two runs with the same prompts."""

from pathlib import Path
from textwrap import fill
from typing import Annotated

import numpy as np
import typer
from tabulate import tabulate

from bench.commands.options import OK
from bench.comparing.runs import RunComparison, compare
from bench.store.files import write_bytes

WIDTH = 110
HEADS = ("data set", "prompt", "model", "A", "B", "B - A", "95 % interval", "p (Holm)", "B better", "same", "patients")


def compare_command(
    first: Annotated[Path, typer.Argument(help="Run folder A.")],
    second: Annotated[Path, typer.Argument(help="Run folder B.")],
    metric: Annotated[str, typer.Option(help="A metric of the records, for example nsd@2mm.")] = "dice",
    aggregation: Annotated[str | None, typer.Option(help="Default that of the protocol.")] = None,
    out: Annotated[Path | None, typer.Option(help="Also write the differences to this CSV file.")] = None,
) -> int:
    """Compare two runs with the same prompts, patient by patient, and say what changed between them."""
    found = compare(first, second, metric, aggregation)
    print(f"A: {first}\nB: {second}\n")
    print(_changes(found))
    for name, models in (("A", found.only_a), ("B", found.only_b)):
        if models:
            print(f"Only in {name}, not compared: {', '.join(models)}")
    print(f"\n{_table(found)}")
    if out:
        write_bytes(out, found.frame.to_csv(index=False).encode())
        print(f"\nwrote {out}")
    return OK


def _changes(found: RunComparison) -> str:
    if not found.changes:
        return "Configuration, protocol, versions, weights and hardware are the same."
    rows = [(change.what, _short(change.first), _short(change.second)) for change in found.changes]
    return tabulate(rows, headers=["changed", "A", "B"], disable_numparse=True)


def _short(value: object) -> str:
    text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    return text if len(text) <= 40 else f"{text[:12]}..."


def _table(found: RunComparison) -> str:
    scale, places = (100, 2) if found.metric.unit == "%" else (1, 3)

    def number(value: float, sign: str = "") -> str:
        return "-" if np.isnan(value) else f"{scale * value:{sign}.{places}f}"

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
        f"intervals of the bootstrap over patients; p: Wilcoxon signed-rank test over patients, adjusted by Holm for "
        f"all {len(rows)} rows; B better, same: share of patients."
    )
    return f"{fill(caption, WIDTH)}\n\n{tabulate(rows, HEADS, 'simple', disable_numparse=True)}"


def _p(value: float) -> str:
    return "-" if np.isnan(value) else "< 0.001" if value < 0.001 else f"{value:.3f}"


def _share(value: float) -> str:
    return "-" if np.isnan(value) else f"{100 * value:.0f} %"
