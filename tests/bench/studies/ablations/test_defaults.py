"""What an ablation uses where nothing else is asked for."""

from pathlib import Path

import pytest

from bench.errors import RunError
from bench.miniworld import folders
from bench.studies.ablations.defaults import AblationData, choose_data, default_setting
from segmote.recipe import PAPER_RECIPE

DATA = AblationData(Path("d"), Path("t"), ("a",), ("a", "b"), "real")


def test_without_folders_the_data_are_phantoms(monkeypatch, tmp_path):
    monkeypatch.setattr(folders, "varied_training_data", lambda: tmp_path)
    found = choose_data(None, None, None, None)
    assert (found.data, found.test_data) == (tmp_path, folders.phantom_data())
    assert found.world == "phantom" and set(found.four) < set(found.seven)


def test_subsets_are_checked_in_any_case(two_data_sets):
    found = choose_data(two_data_sets, None, ["Phantom_XRAY"], None)
    assert found.four == ("phantom_xray",) and set(found.seven) == {"phantom_xray", "phantom_dermoscopy"}
    assert found.world == "real" and found.data == two_data_sets.resolve()
    for four, text in ((None, "--four must name the data sets"), (["CT"], "no data set ct in .*phantom_xray")):
        with pytest.raises(RunError, match=text):
            choose_data(two_data_sets, None, four, None)


def test_mini_networks_see_little_and_learn_fast():
    mini = default_setting(DATA, Path("w"), epochs=12)
    assert (mini.limit, mini.slices, mini.card) == (80, 3, "segmote/mini")
    assert (mini.recipe.epochs, mini.recipe.milestones) == (12, (5, 7, 8, 9, 10, 11))
    assert mini.recipe.rate > PAPER_RECIPE.rate
    assert default_setting(DATA, Path("w")).recipe.milestones == (2, 4, 5, 6)


def test_networks_of_official_size_follow_the_paper():
    full = default_setting(DATA, Path("w"), full=True, base=Path("b"))
    assert full.recipe == PAPER_RECIPE and full.base == Path("b") and full.limit is None and full.slices is None
    assert default_setting(DATA, Path("w"), full=True, base=Path("b"), epochs=2).recipe.epochs == 2
