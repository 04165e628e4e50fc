import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from bench.reporting.tables.formats import (
    AGGREGATIONS,
    AVERAGE,
    Cell,
    Line,
    Table,
    cells,
    to_console,
    to_frame,
    to_latex,
    to_markdown,
)
from bench.scoring.metrics import METRICS

ROWS = {"set": {"Kidney": ("kidney_left", "kidney_right"), "Liver": ("liver",)}}


def records(*rows) -> pd.DataFrame:
    """(patient, case, slice, target, value) of one model."""
    table = pd.DataFrame(rows, columns=["patient", "case", "slice", "target", "value"])
    status = np.where(table["value"].isna(), "undefined", "ok")
    return table.assign(dataset="set", model="m", metric="dice", prompt="box", round=1, status=status)


EXAMPLE = records(
    ("p1", "c1", 0, "liver", 0.9),
    ("p1", "c1", 0, "kidney_left", 0.5),
    ("p1", "c1", 1, "liver", 0.7),
    ("p2", "c2", 0, "liver", 0.2),
    ("p2", "c2", 0, "kidney_right", 0.1),
    ("p2", "c2", 0, "kidney_left", 0.3),
)


@pytest.mark.parametrize(
    ("aggregation", "average"),
    [
        ("macro_class", ((0.9 + 0.7 + 0.2) / 3 + (0.5 + 0.1 + 0.3) / 3) / 2),
        ("mean_image", ((0.9 + 0.5) / 2 + 0.7 + (0.2 + 0.1 + 0.3) / 3) / 3),
        ("mean_mask", (0.9 + 0.5 + 0.7 + 0.2 + 0.1 + 0.3) / 6),
        ("per_case", (((0.9 + 0.7) / 2 + 0.2) / 2 + (0.5 + (0.1 + 0.3) / 2) / 2) / 2),
    ],
)
def test_aggregations_by_hand(aggregation, average):
    found = cells(EXAMPLE, aggregation, ROWS)
    assert found["set", AVERAGE, "m"].value == pytest.approx(average)
    assert found["set", AVERAGE, "m"].n == 6


def test_sides_are_pooled_in_one_row():
    kidney = cells(EXAMPLE, "macro_class", ROWS)["set", "Kidney", "m"]
    assert (kidney.value, kidney.n, kidney.patients) == (pytest.approx(0.3), 3, 2)
    assert ("set", "kidney_left", "m") in cells(EXAMPLE, "macro_class", {})


def test_volume_reads_the_stacked_dice():
    stacked = records(("p1", "c1", None, "liver", 0.6)).assign(metric="volume_dice")
    found = cells(pd.concat([EXAMPLE, stacked]), "volume", ROWS)
    assert found["set", "Liver", "m"].value == 0.6 and found["set", "Liver", "m"].n == 1


def test_undefined_values_are_counted_not_averaged():
    found = cells(records(("p1", "c1", 0, "liver", 0.8), ("p1", "c1", 1, "liver", None)), "macro_class", ROWS)
    cell = found["set", "Liver", "m"]
    assert (cell.value, cell.n, cell.undefined) == (0.8, 1, 1) and cell.text() == "80.00 u1"


def test_every_aggregation_has_a_text():
    assert all(rule.text for rule in AGGREGATIONS.values())


TABLE = Table(
    "t",
    "Dice, 100 % & more_",
    ["a/x", "b_y", "c"],
    [
        Line("set", "Liver", [Cell(0.5, 2), Cell(0.7, 2), Cell(0.7, 2, failed=1)]),
        Line("set", AVERAGE, [Cell(0.5, 2), Cell(float("nan")), Cell(0.6, 2, applicable=False)]),
    ],
)


def test_best_and_second_by_what_is_printed():
    assert TABLE.ranks(TABLE.lines[0]) == [2, 1, 1]
    assert TABLE.ranks(TABLE.lines[1]) == [0, 0, 0]  # nothing to compare with
    near = Line("set", "Liver", [Cell(0.70001), Cell(0.7), Cell(0.1)])
    assert TABLE.ranks(near) == [1, 1, 2]


def test_the_smallest_distance_is_the_best_and_is_printed_in_mm():
    distances = replace(TABLE, metric=METRICS["hd95"], lines=[Line("set", "Liver", [Cell(3.25), Cell(11.5), Cell(4)])])
    assert distances.ranks(distances.lines[0]) == [1, 0, 2]
    assert "3.25" in to_console(distances) and "11.50" in to_console(distances)


def test_the_best_setting_is_looked_for_down_a_column():
    lines = [Line("m", "box", [Cell(0.5), Cell(0.9)]), Line("m", "click", [Cell(0.6), Cell(0.8)])]
    table = replace(TABLE, models=["d1", "d2"], lines=[*lines, Line("k", "box", [Cell(0.7), Cell(0.1)])], down=True)
    assert [table.ranks(line) for line in table.lines] == [[2, 1], [1, 2], [0, 0]]


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


def test_markdown_and_console_hold_every_cell():
    for text in (to_markdown(TABLE), to_console(TABLE)):
        assert "Dice, 100" in text
        assert [text.count(part) for part in ("70.00", "n/a", "f1")] == [2, 1, 1]


def test_csv_keeps_full_precision_and_counts():
    frame = to_frame(TABLE)
    assert len(frame) == 6 and frame["value"].iloc[0] == 0.5 and frame["failed"].sum() == 1


def test_summary_keeps_one_line_a_data_set():
    alone = Line("other", "Lesion", [Cell(0.1)] * 3)
    summary = Table("t", "", TABLE.models, [*TABLE.lines, alone]).summary()
    assert [(line.group, line.label) for line in summary.lines] == [("set", AVERAGE), ("other", AVERAGE)]
