import pandas as pd

from bench.reporting.tables.text_table import TextTable

ROWS = [["b", "x", "1"], ["a", "y", "2"], ["b", "z", "3"]]


def test_rows_are_grouped_by_their_first_column_in_order_of_appearance():
    table = TextTable("t", "", ["set", "name", "n"], ROWS, pd.DataFrame())
    assert list(table.grouped()) == [("b", [["x", "1"], ["z", "3"]]), ("a", [["y", "2"]])]


def test_names_without_a_title_are_spelled_as_they_are():
    table = TextTable("t", "", [], [], pd.DataFrame(), titles={"sam/vit_b": "SAM ViT-B"})
    assert (table.title("sam/vit_b"), table.title("x")) == ("SAM ViT-B", "x")
