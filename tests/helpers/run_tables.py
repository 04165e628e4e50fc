"""A table by hand, and records to fill one."""

import numpy as np
import pandas as pd

from bench.reporting.tables.table import Cell, Line, Table
from bench.statistics.patients import AVERAGE

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
TABLE = Table(
    "t",
    "Dice, 100 % & more_",
    ["a/x", "b_y", "c"],
    [
        Line("set", "Liver", [Cell(0.5, 2), Cell(0.7, 2), Cell(0.7, 2, failed=1)]),
        Line("set", AVERAGE, [Cell(0.5, 2), Cell(float("nan")), Cell(0.6, 2, applicable=False)]),
    ],
)
