"""What the figures of the studies share: colours, tick labels, files with figures and their numbers."""

import io
from collections.abc import Iterable
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from bench.reporting.tables.safe_text import csv_text
from bench.store.files import write_bytes

# Okabe and Ito's palette, which colour-blind readers can tell apart.
TOKEN_COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#F0E442", "#000000")
DPI = 150


def save(figure: Figure, stem: Path) -> list[Path]:
    """Write the figure as PNG and PDF, atomically; the same figure gives the same bytes.

    Args:
        figure: to write.
        stem: path without ending.
    """
    made = []
    for suffix, facts in ((".png", {}), (".pdf", {"CreationDate": None})):
        buffer = io.BytesIO()
        figure.savefig(buffer, format=suffix[1:], dpi=DPI, metadata=facts)
        made.append(stem.with_suffix(suffix))
        write_bytes(made[-1], buffer.getvalue())
    return made


def save_table(table: pd.DataFrame, stem: Path) -> list[Path]:
    """Write the numbers behind a figure as CSV, atomically.

    Args:
        table: to write, without its index.
        stem: path without ending.
    """
    path = stem.with_suffix(".csv")
    write_bytes(path, csv_text(table).encode())
    return [path]


def long_names(names: Iterable[str]) -> list[str]:
    r"""Names with line breaks at underscores, hyphens and spaces.

    >>> long_names(["PHANTOM_CT", "ISLES 2022", "amos-ct"])
    ['PHANTOM\nCT', 'ISLES\n2022', 'amos\nct']
    """
    return [name.translate(str.maketrans("_- ", "\n\n\n")) for name in names]
