from bench.errors import RunError, first_line


def test_advice_is_left_out_and_an_error_without_text_is_named():
    assert first_line(RunError("no such run\ngive another folder")) == "no such run"
    assert first_line(KeyError()) == "KeyError"
