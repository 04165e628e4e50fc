"""From the records of a run to its tables, figures and page. Computes no scores."""

from collections import Counter
from pathlib import Path

from bench.reporting import publish
from bench.reporting.tables.latex import document
from bench.reporting.tables.run_tables import tables
from bench.reporting.tables.sheet import Sheet
from bench.reporting.tables.table import Table
from bench.reporting.tables.text import FORMATS
from bench.store.files import write_bytes
from bench.store.ownership import noting_files


def write_tables(run: Path, jobs: int = 1) -> list[Table | Sheet]:
    """Write all tables of a scored run as CSV, Markdown and LaTeX below `tables/`, and `all.tex`, which shows them."""
    made = tables(run, jobs)
    if repeated := [name for name, count in Counter(one.name for one in made).items() if count > 1]:
        raise RuntimeError(f"several tables are named {', '.join(repeated)}; the later would replace the earlier")
    for one in made:
        for suffix in ("csv", "md", "tex"):
            write_bytes(run / "tables" / f"{one.name}.{suffix}", FORMATS[suffix](one).encode())
    write_bytes(run / "tables" / "all.tex", document([one.name for one in made]).encode())
    return made


def report(run: Path, jobs: int = 1) -> list[Table | Sheet]:
    """Write the tables of a scored run, then its figures and its page, in so many processes."""
    with noting_files(run):
        made = write_tables(run, jobs)
        publish.publish(run, made, jobs)
    return made
