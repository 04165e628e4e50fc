from dataclasses import replace

from bench.reporting.tables.formats import to_console
from bench.reporting.tables.table import Cell, Line, Table
from bench.scoring.metrics import METRICS
from bench.statistics.patients import AVERAGE
from tests.helpers.run_tables import TABLE


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
