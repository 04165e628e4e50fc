"""From the records of a run to its tables, figures and page. Computes no scores."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from bench.errors import RunError
from bench.reporting.draw import Drawn, draw
from bench.reporting.figures.picture import METADATA
from bench.reporting.gallery.cards import gallery
from bench.reporting.gallery.images import collect, slices_of
from bench.reporting.gallery.outlines import OutlinedPrediction, outlined_predictions
from bench.reporting.gallery.picks import select
from bench.reporting.page.page import Chapter, Page, PageFigure, render
from bench.reporting.page.tables import PageTable, page_table
from bench.reporting.scored_run import ScoredRun, read_scored_run
from bench.reporting.tables.formats import FORMATS
from bench.reporting.tables.latex import document
from bench.reporting.tables.run_tables import AnyTable, all_tables
from bench.store.files import write_bytes
from bench.store.ownership import noting_files
from bench.store.run_folder import figure_path, page_path, read_failures, read_prompts, table_path

GALLERY = "gallery-"  # figures that the page shows as a gallery of its own


def report(folder: Path, jobs: int = 1) -> list[AnyTable]:
    """Write the tables, figures and page of a scored run.

    Args:
        folder: the run folder.
        jobs: processes.

    Returns:
        The tables, in order.

    Raises:
        RunError: the folder is not a run, or not scored.
    """
    run = read_scored_run(folder)
    tables = all_tables(run, jobs)
    with noting_files(folder):
        write_tables(folder, tables)
        write_page(run, tables, jobs)
    return tables


def write_tables(folder: Path, tables: Sequence[AnyTable]) -> None:
    """Write tables as CSV, Markdown and LaTeX, and `all.tex`, which shows them.

    Raises:
        RunError: two tables have the same name.
    """
    if repeated := [name for name, count in Counter(one.name for one in tables).items() if count > 1]:
        raise RunError(f"several tables are named {', '.join(repeated)}; the later would replace the earlier")
    for one in tables:
        for suffix in ("csv", "md", "tex"):
            write_bytes(table_path(folder, one.name, suffix), FORMATS[suffix](one).encode())
    write_bytes(table_path(folder, "all", "tex"), document([one.name for one in tables]).encode())


def write_page(run: ScoredRun, tables: Sequence[AnyTable], jobs: int = 1) -> None:
    """Write the figures and the page; the page also lists the figures that the run has no data for."""
    shown = _predictions(run)
    drawn = draw(run, shown, jobs)
    page = Page(
        run.folder.resolve().name,
        run.facts,
        chapters(tables, run.prompts),
        write_figures(run.folder, drawn),
        drawn.absent,
        gallery(shown),
        read_failures(run.folder),
    )
    write_bytes(page_path(run.folder), render(page).encode())


def _predictions(run: ScoredRun) -> list[OutlinedPrediction]:
    picks = select(run)
    images = collect(run, slices_of([(pick.dataset, pick.case, pick.slice) for pick in picks]))
    return outlined_predictions(run, read_prompts(run.folder), picks, images)


def write_figures(folder: Path, drawn: Drawn) -> list[PageFigure]:
    """Write every figure and remove those of an earlier report; return those that the page shows as they are."""
    for one in drawn.absent:
        for suffix in METADATA:
            figure_path(folder, one.name, suffix).unlink(missing_ok=True)
    figures = []
    for picture in drawn.pictures:
        for suffix, content in picture.files.items():
            write_bytes(figure_path(folder, picture.name, suffix), content)
        if not picture.name.startswith(GALLERY):
            figures.append(PageFigure(picture.name, picture.title, picture.caption, picture.alt, picture.files["png"]))
    return figures


def chapters(tables: Sequence[AnyTable], kinds: Sequence[str]) -> list[Chapter]:
    """Tables by prompt kind, the headline of each open; those of no single prompt come last."""
    found: dict[str, list[PageTable]] = {}
    for table in tables:
        if getattr(table, "role", "other") != "summary":  # a part of the headline
            found.setdefault(table.prompt, []).append(page_table(table))
    made = [Chapter(f"Prompt {kind}", found[kind][:1], found[kind][1:]) for kind in kinds if kind in found]
    return [*made, Chapter("The whole run", [], found[""])] if "" in found else made
