from dataclasses import replace

import pandas as pd
import pytest

from bench.reporting.tables.text import (
    AGGREGATIONS,
    AVERAGE,
    Cell,
    Line,
    Table,
    cells,
    to_console,
)
from bench.scoring.metrics import METRICS
from tests.helpers.run_tables import EXAMPLE, ROWS, TABLE, records


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


def test_summary_keeps_one_line_a_data_set():
    alone = Line("other", "Lesion", [Cell(0.1)] * 3)
    summary = Table("t", "", TABLE.models, [*TABLE.lines, alone]).summary()
    assert [(line.group, line.label) for line in summary.lines] == [("set", AVERAGE), ("other", AVERAGE)]
