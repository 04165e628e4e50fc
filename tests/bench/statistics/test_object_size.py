import numpy as np
import pandas as pd
import pytest

from bench.statistics.object_size import failure_rates, size_groups, size_table
from tests.helpers.records import records


def objects(areas, **facts):
    return [{"slice": number, "area_px": area} | facts for number, area in enumerate(areas)]


def test_thirds_of_the_objects():
    made = size_groups(records(*objects([1, 2, 3, 4, 5, 6])))
    assert made["size_group"].tolist() == [1, 1, 2, 2, 3, 3]


def test_models_rounds_and_metrics_do_not_move_the_limits():
    one = objects([1, 2, 3, 4], model="a")
    more = objects([4] * 4, model="b")[3:] * 1 + [row | {"round": 2} for row in one[3:]]
    made = size_groups(records(*one, *more), 2)
    assert made["size_group"].tolist() == [1, 1, 2, 2, 2, 2]


def test_data_sets_and_volumes_have_their_own_limits():
    rows = objects([1, 2]) + objects([100, 200], dataset="e")
    rows += [{"slice": pd.NA, "case": f"c{area}", "area_px": area} for area in (1000, 2000)]
    assert size_groups(records(*rows), 2)["size_group"].tolist() == [1, 2] * 3


def test_equal_areas_stay_together():
    assert size_groups(records(*objects([5, 5, 5, 5])), 2)["size_group"].nunique() == 1


def test_table_counts_what_is_undefined():
    rows = objects([1, 2, 9, 10])
    rows[0] |= {"value": np.nan, "status": "undefined"}
    table = size_table(records(*rows), 2)
    assert table["n"].tolist() == [1, 2]
    assert table["undefined"].tolist() == [1, 0]
    assert table[["area_min", "area_max"]].to_numpy().tolist() == [[1, 2], [9, 10]]


def test_failed_predictions_are_failures_and_undefined_ones_are_not():
    given = records(
        {"value": 0.05},
        {"value": 0.1},
        {"value": np.nan, "status": "failed"},
        {"value": np.nan, "status": "undefined"},
    )
    assert failure_rates(given).to_dict("records") == [{"dataset": "d", "model": "a", "rate": 2 / 3, "n": 3}]


def test_no_groups_are_refused():
    with pytest.raises(ValueError, match="0"):
        size_groups(records({}), 0)
