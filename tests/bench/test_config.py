from dataclasses import replace
from pathlib import Path

import pytest

from bench.config import RunConfig
from tests.helpers.runs import CONFIG


def test_the_identity_leaves_out_what_changes_no_result():
    same = replace(CONFIG, out=Path("elsewhere"), jobs=7, engine="dask")
    assert same.identity() == CONFIG.identity() and same.digest() == CONFIG.digest()


@pytest.mark.parametrize("change", [{"seed": 1}, {"prompts": ("box", "click")}, {"trust_arrays": True}, {"limit": 3}])
def test_every_other_choice_makes_another_run(change):
    assert replace(CONFIG, **change).digest() != CONFIG.digest()


def test_a_run_is_read_back_from_its_identity():
    ours = replace(CONFIG, weights=Path("w"))
    assert RunConfig.from_identity(ours.identity(), ours.out) == ours
    with pytest.raises(TypeError):
        RunConfig.from_identity(ours.identity() | {"colour": "red"}, ours.out)


def test_a_run_moves_to_another_folder():
    assert CONFIG.at(Path("b")) == replace(CONFIG, out=Path("b"))
