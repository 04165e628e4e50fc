import numpy as np

from bench.reporting.tables.averages import cells
from bench.reporting.tables.formats import to_console, to_frame, to_markdown
from bench.reporting.tables.latex import to_latex
from bench.reporting.tables.table import Cell, Line, Table
from bench.statistics.patients import AVERAGE
from tests.helpers.run_tables import EXAMPLE, ROWS, TABLE


def test_every_number_has_its_interval():
    one = cells(EXAMPLE, "macro_class", ROWS)["set", AVERAGE, "m"]
    assert one.low < one.value < one.high
    alone = cells(EXAMPLE[EXAMPLE["patient"] == "p1"], "macro_class", ROWS)["set", AVERAGE, "m"]
    assert np.isnan([alone.low, alone.high]).all() and alone.interval() == "-"
    table = Table("t", "Dice.", ["m"], [Line("set", "Liver", [Cell(0.5, 2, low=0.45, high=0.55)])])
    for text in (to_console(table), to_markdown(table), to_latex(table)):
        assert "[45.00, 55.00]" in text
    assert to_frame(table)[["low", "high"]].to_numpy().tolist() == [[0.45, 0.55]]
    assert "[45.00" not in to_console(table, intervals=False)


def test_marks_stand_beside_the_number():
    cell = Cell(0.5, 2, undefined=3, forced=True, seen="yes")
    assert cell.text() == "50.00*§ u3"
    assert Cell(float("nan"), seen="yes").marks == [] and Cell(0.5, seen="unknown").text() == "50.00(?)"
    table = Table("t", "Dice.", ["m"], [Line("set", "Liver", [cell])], ["§: seen"])
    assert r"50.00\rlap{\textsuperscript{*,\S{},u3}}" in to_latex(table)
    assert all("seen" in text for text in (to_console(table), to_markdown(table), to_latex(table)))


def test_markdown_and_console_hold_every_cell():
    for text in (to_markdown(TABLE), to_console(TABLE)):
        assert "Dice, 100" in text
        assert [text.count(part) for part in ("70.00", "n/a", "f1")] == [2, 1, 1]


def test_csv_keeps_full_precision_and_counts():
    frame = to_frame(TABLE)
    assert len(frame) == 6 and frame["value"].iloc[0] == 0.5 and frame["failed"].sum() == 1
