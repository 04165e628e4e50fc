import csv
import io
import re
from pathlib import Path

import pandas as pd
import pytest

import bench
from bench.data.printable import printable
from bench.reporting.tables.formats import to_console, to_csv, to_markdown
from bench.reporting.tables.latex import escape, to_latex
from bench.reporting.tables.safe_text import csv_cell, csv_name, csv_text, markdown_cell
from bench.reporting.tables.table import Cell, Line, Table

HOSTILE = (
    "=cmd|' /C calc'!A0", "@SUM(1)", "+1+1", "-1+1", "\t=1", "\r=1", "＝1", "a|b", "a\\|b", "new\nline",  # noqa: RUF001
    "\x1b[2J\x1b]0;title\x07", "\x9b31m", "\u202etxt", "a\udc80b", "<img src=x>", "\u2028", "end\\", "$x_1$ & %",
)  # fmt: skip


def table(name: str) -> Table:
    cells = [Cell(0.5, 2, patients=2), Cell(0.25, 2, patients=2)]
    return Table("t", "caption", ["one", name], [Line(name, "liver", cells), Line("set", name, cells)])


@pytest.mark.parametrize("name", HOSTILE)
def test_no_name_reaches_the_terminal_as_control(name):
    text = to_console(table(name))
    assert all(one == "\n" or one.isprintable() for one in text)
    assert len(text.splitlines()) == len(to_console(table("plain")).splitlines())


@pytest.mark.parametrize("name", [name for name in HOSTILE if "\udc80" not in name])  # no frame holds half a character
def test_no_name_begins_a_csv_cell_as_a_formula(name):
    cells = [cell for row in csv.reader(io.StringIO(to_csv(table(name)))) for cell in row]
    assert not [cell for cell in cells if cell.startswith(("=", "@", "+", "\t", "\r", "＝"))]  # noqa: RUF001
    assert not [cell for cell in cells if cell.startswith("-") and cell != "-"]


def test_numbers_stay_numbers_in_csv():
    text = csv_text(pd.DataFrame({"name": ["-0.5", "=1", None], "value": [-1.5, 2.0, float("nan")]}))
    assert text == "name,value\n-0.5,-1.5\n'=1,2.0\n,\n"
    assert csv_cell(-1) == -1 and csv_cell("a-b") == "a-b"
    assert csv_text(pd.DataFrame({"=x": [1]})) == "'=x\n1\n"


@pytest.mark.parametrize("name", [*HOSTILE[:7], "'=1", "'liver", "liver", "-0.5", "-"])
def test_a_name_comes_back_from_its_cell(name):
    assert csv_name(csv_cell(name)) == printable(name)


def test_all_csv_is_written_by_one_function():
    """Only there are formulas defused; the log of a training holds numbers alone."""
    root = Path(bench.__file__).parents[1]
    writers = {
        path.relative_to(root).as_posix()
        for package in ("bench", "adapters", "segmote")
        for path in (root / package).rglob("*.py")
        if re.search(r"\.to_csv\(|csv\.(Dict)?[wW]riter\(", path.read_text())
    }
    assert writers == {
        "bench/reporting/tables/safe_text.py",
        "bench/miniworld/training/engine.py",
        "bench/miniworld/training/memory.py",
        "segmote/training/files.py",
    }


@pytest.mark.parametrize("name", HOSTILE)
def test_no_name_breaks_a_markdown_table(name):
    rows = [line for line in to_markdown(table(name)).splitlines() if line.startswith("|")]
    plain = [line for line in to_markdown(table("plain")).splitlines() if line.startswith("|")]
    assert len(rows) == len(plain)
    assert {len(re.findall(r"(?:^|[^\\])(?:\\\\)*\|", row)) for row in rows} == {len(plain[0].split("|")) - 1}
    assert "<img" not in "".join(rows)


@pytest.mark.parametrize("name", HOSTILE)
def test_no_name_reaches_latex_as_a_command(name):
    text = escape(name)
    assert all(one.isprintable() for one in text)
    assert not re.search(r"(?<!\\)[&%$#_]", text)
    assert "\x1b" not in to_latex(table(name))


def test_a_bar_and_a_backslash_are_escaped():
    assert markdown_cell("a\\|b") == "a\\\\\\|b"


def test_scripts_keep_their_letters():
    for word in ("肝臓", "Größe", "می\u200cخواهم", "नमस्ते", "a\u3000b"):  # noqa: RUF001
        assert printable(word) == word
