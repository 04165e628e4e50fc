import pandas as pd
import pytest

from bench.reporting.tables.averages import cells
from bench.statistics.patients import AVERAGE
from tests.helpers.run_tables import EXAMPLE, ROWS, records


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
