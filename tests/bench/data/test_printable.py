"""Text that is safe to print."""

import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from bench.data.printable import printable


@given(st.text())
def test_what_is_printed_has_no_control_characters(text):
    shown = printable(text)
    assert all(one.isprintable() or one in "\u200c\u200d" or unicodedata.category(one) == "Zs" for one in shown)
    assert printable(shown) == shown


def test_characters_may_be_kept():
    assert printable("a\tb\r", keep="\t") == "a\tb\\r"
