"""Files of a study."""

import pandas as pd
from matplotlib.figure import Figure

from bench.studies.pictures import long_names, save, save_table


def figure():
    drawn = Figure(figsize=(2, 1))
    drawn.subplots().plot([0, 1])
    return drawn


def test_the_same_figure_gives_the_same_bytes(tmp_path):
    one, two = save(figure(), tmp_path / "a.b"), save(figure(), tmp_path / "c.b")
    assert [path.suffix for path in one] == [".png", ".pdf"]
    assert [path.read_bytes() for path in one] == [path.read_bytes() for path in two]


def test_numbers_are_written_without_their_index(tmp_path):
    (path,) = save_table(pd.DataFrame({"a": [1]}, index=[7]), tmp_path / "t")
    assert path.name == "t.csv" and path.read_text().split() == ["a", "1"]


def test_long_names_are_broken():
    assert long_names(["PHANTOM_CT scan"]) == ["PHANTOM\nCT\nscan"]
