import os
import re
import shutil
import subprocess
from dataclasses import replace

import pytest

from bench.reporting import report
from bench.reporting.scored_run import read_scored_run
from bench.reporting.tables.latex import document, escape, to_latex
from bench.reporting.tables.run_tables import all_tables
from bench.reporting.tables.table import Cell, Line, Table
from tests.helpers.run_tables import TABLE
from tests.helpers.scored import OFFICIAL, write_scored

NAMES = ("isles2022", "segthor", "totalsegmentator-mri")


@pytest.fixture(scope="module")
def pdflatex():
    """A real LaTeX; where one is required (`tox -e latex`), its absence is a failure."""
    found = shutil.which("pdflatex")
    if found is None and os.environ.get("BENCH_REQUIRE_LATEX"):
        pytest.fail("BENCH_REQUIRE_LATEX is set, but there is no pdflatex")
    if found is None:
        pytest.skip("no pdflatex; `tox -e latex` installs Debian's and runs these tests")
    return found


def compiled(pdflatex, folder, name="all"):
    """The log of two passes over a document; LaTeX's own complaint if it stops."""
    command = [pdflatex, "-interaction=nonstopmode", "-halt-on-error", f"{name}.tex"]
    for _ in range(2):
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, errors="replace", check=False)
        assert done.returncode == 0, done.stdout[-2000:]
    return (folder / f"{name}.log").read_text(errors="replace")


def test_text_is_no_command():
    assert escape("50 % of a_b & {c} \\ ~ ^ $ # §") == (
        r"50 \% of a\_b \& \{c\} \textbackslash{} \textasciitilde{} \textasciicircum{} \$ \# \S{}"
    )


def test_letters_that_latex_does_not_have_are_given_by_code():
    assert escape("Müller Łódź 肝 ≥") == "Müller Łódź [U+809D] [U+2265]"


def test_few_models_stand_upright_and_many_sideways():
    lines = [Line("set", "Liver", [Cell(0.5, 2)] * 6)]
    assert to_latex(Table("t", "c", list("abcdef"), lines)).startswith(r"\begin{sidewaystable}")
    narrow = Table("t", "c", list("abc"), [Line("set", "Liver", [Cell(0.5, 2)] * 3)])
    assert to_latex(narrow).startswith(r"\begin{table}")


@pytest.mark.slow
def test_all_tables_of_a_run_become_a_pdf(pdflatex, tmp_path):
    run = write_scored(tmp_path / "r", (*OFFICIAL, "segmote/released"), NAMES, prompts=("box", "clicks"))
    tables = all_tables(read_scored_run(run))
    report.write_tables(run, tables)
    log = compiled(pdflatex, run / "tables")
    assert "Overfull" not in log and "Missing character" not in log and "undefined" not in log.lower()
    assert int(re.search(r"Output written on all.pdf \((\d+) pages", log).group(1)) >= len(tables)


@pytest.mark.slow
@pytest.mark.parametrize("models", [OFFICIAL, OFFICIAL[:3]])
def test_a_table_fits_the_page_of_an_article(pdflatex, tmp_path, models):
    """As a user would paste it: an upright A4 article without our wide pages."""
    run = write_scored(tmp_path / "r", models, NAMES, patients=3)
    report.write_tables(run, all_tables(read_scored_run(run)))
    wide = document(["dice-box-macro_class", "dice-box-macro_class-summary", "comparison-dice-box-macro_class"])
    plain = re.sub(r"\\renewenvironment\{sidewaystable\}.*\n", "", wide.replace("landscape,", ""))
    (run / "tables" / "article.tex").write_text(plain)
    log = compiled(pdflatex, run / "tables", "article")
    assert "Overfull" not in log and "Float too large" not in log


@pytest.mark.slow
def test_names_full_of_commands_compile(pdflatex, tmp_path):
    nasty = r"50 % of a_b & {c} \ ~ ^ $ # § < > ü 肝 ≥ ±"
    cell = Cell(0.5, 2, undefined=1, failed=2, forced=True, seen="likely", low=0.4, high=0.6)
    table = Table("t", nasty, [nasty, "b"], [Line(nasty, nasty, [cell, Cell(0.4)])] * 70, [nasty])
    (tmp_path / "t.tex").write_text(to_latex(table))
    (tmp_path / "all.tex").write_text(document(["t"]))
    log = compiled(pdflatex, tmp_path)
    assert "(3 pages" in log or "(4 pages" in log


def test_latex_is_escaped_and_marked():
    text = to_latex(TABLE)
    assert r"100 \% \& more\_" in text and r"b\_y" in text
    assert r"\textbf{70.00}" in text and r"\underline{50.00}" in text and r"\textsuperscript{f1}" in text
    assert text.count(r"\toprule") == text.count(r"\bottomrule") == 1 and "n/a" in text


def test_a_long_table_is_cut_into_pages():
    many = replace(TABLE, lines=[Line("set", f"class {n}", TABLE.lines[0].cells) for n in range(70)])
    text = to_latex(many)
    assert (
        text.count(r"\begin{table}") == 3
        and text.count("continued") == 2
        and len(re.findall(r"& class \d", text)) == 70
    )
    two = replace(TABLE, lines=[Line(name, "x", TABLE.lines[0].cells) for name in "a" * 20 + "b" * 20])
    assert to_latex(two).count(r"\begin{table}") == 2
