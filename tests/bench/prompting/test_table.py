import numpy as np
from hypothesis import given

from bench.predicting.prompts import to_prompt
from bench.prompting.table import first_prompt
from bench.protocols import PROTOCOLS
from tests.helpers.masks import masks

BENCH = PROTOCOLS["bench"]
RNG = np.random.default_rng(0)


@given(masks)
def test_auto_says_nothing(mask):
    given = first_prompt("auto", mask, "liver", BENCH, RNG)
    assert given.box is None and given.clicks == () and given.text is None
    assert to_prompt(given).kinds == {"auto"}
