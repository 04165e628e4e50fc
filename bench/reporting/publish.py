"""From a scored run and its tables to its figures and its page."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from bench.reporting.draw import Drawn, draw
from bench.reporting.figures.picture import METADATA, Absent
from bench.reporting.gallery.cards import deck
from bench.reporting.gallery.images import collect, slices_of
from bench.reporting.gallery.outlines import View, views
from bench.reporting.gallery.picks import select
from bench.reporting.material import Material
from bench.reporting.page.page import Chapter, Page, Plate, render
from bench.reporting.page.tables import Grid, grid
from bench.reporting.tables.sheet import Sheet
from bench.reporting.tables.table import Table
from bench.store.files import read_json, write_bytes
from bench.store.run_folder import read_records

GALLERY = "gallery-"  # figures that the page shows as a gallery of its own


def publish(run: Path, tables: Sequence[Table | Sheet], jobs: int = 1) -> Sequence[Absent]:
    """Write `figures/` and `report.html` of a scored run.

    Args:
        run: the run folder.
        tables: of the run, in order.
        jobs: processes.

    Returns:
        The figures that the run has no data for, each with the reason; the page lists them, too.
    """
    material = Material(read_json(run / "run.json"), read_records(run))
    shown = _views(run, material)
    drawn = draw(material, shown, jobs)
    plates = save(run, drawn)
    page = Page(
        run.resolve().name,
        material.facts,
        chapters(tables, material.kinds),
        plates,
        drawn.absent,
        deck(shown),
        pd.read_parquet(run / "failures.parquet"),
    )
    write_bytes(run / "report.html", render(page).encode())
    return drawn.absent


def _views(run: Path, material: Material) -> list[View]:
    picks = select(material)
    images = collect(run, material.facts, slices_of([(p.dataset, p.case, p.slice) for p in picks]))
    return views(run, material.facts, pd.read_parquet(run / "prompts.parquet"), picks, images)


def save(run: Path, drawn: Drawn) -> list[Plate]:
    """Write every figure, take those of an earlier report away; hand back those that the page shows as they are."""
    for one in drawn.absent:
        for suffix in METADATA:
            (run / "figures" / f"{one.name}.{suffix}").unlink(missing_ok=True)
    plates = []
    for picture in drawn.pictures:
        for suffix, content in picture.files.items():
            write_bytes(run / "figures" / f"{picture.name}.{suffix}", content)
        if not picture.name.startswith(GALLERY):
            plates.append(Plate(picture.name, picture.title, picture.caption, picture.alt, picture.files["png"]))
    return plates


def _title(table: Table | Sheet, kind: str) -> str:
    """A few words for a table, without the prompt that its chapter names."""
    if isinstance(table, Table) and kind:
        _, _, rest = table.name.rpartition(f"-{kind}-")
        title = f"{table.metric.title}, {rest.replace('-', ' ').replace('_', ' ')}"
    else:
        title = table.name.replace(f"-{kind}-", "-").replace("-", " ").replace("_", " ")
    return title[0].upper() + title[1:]


def chapters(tables: Sequence[Table | Sheet], kinds: Sequence[str]) -> list[Chapter]:
    """Tables by prompt kind, the headline of each open; those of no prompt come last."""
    found: dict[str, list[Grid]] = {}
    for table in tables:
        if not table.name.endswith("-summary"):  # a part of another
            kind = max((kind for kind in kinds if f"-{kind}-" in f"{table.name}-"), key=len, default="")
            found.setdefault(kind, []).append(grid(table, _title(table, kind)))
    made = [Chapter(f"Prompt {kind}", found[kind][:1], found[kind][1:]) for kind in kinds if kind in found]
    return [*made, Chapter("The whole run", [], found[""])] if "" in found else made
