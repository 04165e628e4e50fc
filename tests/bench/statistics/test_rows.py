import pytest

from bench.statistics.rows import chosen_metric, with_rows
from tests.helpers.records import records

ROWS = {"d": {"Kidneys": ("kidney_left", "kidney_right")}}


def test_targets_are_pooled_under_their_label_and_others_keep_their_name():
    targets = ("kidney_left", "kidney_right#2", "liver ##1")
    made = with_rows(records(*({"target": target} for target in targets)), ROWS)
    assert made["row"].tolist() == ["Kidneys", "Kidneys", "liver #1"]


def test_a_label_belongs_to_its_data_set():
    assert with_rows(records({"dataset": "e", "target": "kidney_left"}), ROWS)["row"].tolist() == ["kidney_left"]


def test_volumes_read_the_metric_of_stacked_volumes():
    assert chosen_metric("dice", "volume").name == "volume_dice" == chosen_metric("volume_dice", "volume").name
    assert chosen_metric("dice", "macro_class").name == "dice"


def test_a_metric_that_volumes_do_not_have_is_refused():
    with pytest.raises(ValueError, match="volume_regret"):
        chosen_metric("regret", "volume")
