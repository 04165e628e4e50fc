import numpy as np
import pandas as pd
import pytest
from hypothesis import given

from bench.data.case import Item
from bench.data.slicing import Sample
from bench.predicting.prompts import to_prompt
from bench.prompting.prompt import SimulatedPrompt
from bench.prompting.table import PROMPT_COLUMNS, STROKE, columns, first_prompt, freeze, prompt_of, row
from bench.protocols import PROTOCOLS
from tests.helpers.masks import masks

BENCH = PROTOCOLS["bench"]
RNG = np.random.default_rng(0)


def a_row(kind, target):
    item = Item("set", "p", "c", "MR", {})
    sample = Sample(3, np.zeros(target.shape, np.uint8), {"bar": target}, {"bar": target}, (1.0, 1.0), None, 9)
    return row(item, sample, "bar", kind, BENCH, 0)


@given(masks)
def test_auto_says_nothing(mask):
    given = first_prompt("auto", mask, "liver", BENCH, RNG)
    assert given.box is None and given.clicks == () and given.text is None
    assert to_prompt(given).kinds == {"auto"}


def test_strokes_are_stored_and_replayed_beside_other_prompts(tmp_path):
    target = np.zeros((20, 40), bool)
    target[4:9, 3:37] = True
    rows = [a_row(kind, target) for kind in ("box", "scribble", "click")]
    assert columns(rows) == [*PROMPT_COLUMNS, STROKE]
    freeze(pd.DataFrame(rows, columns=columns(rows)), tmp_path / "prompts.parquet")
    box, scribble, click = map(prompt_of, pd.read_parquet(tmp_path / "prompts.parquet").to_dict("records"))
    assert scribble.clicks == first_prompt("scribble", target, "bar", BENCH, RNG).clicks
    assert len(scribble.clicks) == 8
    assert (len(box.clicks), len(click.clicks)) == (0, 1)
    points = to_prompt(scribble).points
    assert points.xy.shape == (8, 2) and points.labels.tolist() == [1] * 8


def test_without_strokes_the_table_has_no_column_for_them():
    target = np.ones((6, 6), bool)
    assert columns([a_row("box", target), a_row("click", target)]) == list(PROMPT_COLUMNS)
    assert columns([]) == list(PROMPT_COLUMNS)


def test_a_stroke_of_two_labels_is_refused(monkeypatch):
    two = SimulatedPrompt(clicks=((1, 1, 1), (2, 2, 0)))
    monkeypatch.setattr("bench.prompting.scribbles.scribble", lambda *_: two)
    with pytest.raises(ValueError, match=r"one label, got \[1, 0\]"):
        a_row("scribble", np.ones((6, 6), bool))
