import pandas as pd

from bench.reporting.page.tables import of_frame, page_table
from tests.helpers import pages


def test_page_table_of_scores_sorts_by_what_is_printed():
    made = page_table(pages.table())
    assert [head.title for head in made.columns] == ["data set", "class", "n", "patients", "sam/mini", "medsam/mini"]
    heart, aorta, _ = made.rows
    assert heart.cells[4].sort == 50 and heart.cells[4].small == "[40.00, 60.00]"
    assert (heart.cells[5].tone, heart.cells[4].tone) == ("best", "second")
    assert aorta.cells[5].sort is None and aorta.cells[5].text == "-"


def test_page_table_of_texts_finds_the_numbers_in_its_texts():
    made = page_table(pages.text_table())
    assert [head.numeric for head in made.columns] == [False, False, True, False, False]
    assert [row.cells[2].sort for row in made.rows] == [1.5, -2.0]


def test_long_frames_say_what_is_not_shown():
    made = of_frame("f", "F", "All.", pd.DataFrame({"a_b": ["x", None, "z"]}), at_most=2)
    assert made.caption == "All. The first 2 of 3." and made.columns[0].title == "a b"
    assert [row.cells[0].text for row in made.rows] == ["x", ""]
