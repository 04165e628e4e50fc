import numpy as np
import pandas as pd
import pytest

from bench.protocols import PROTOCOLS, with_empty_rule
from bench.reporting.tables.protocol_ranking import under
from tests.helpers.records import records

BENCH, HUANG = PROTOCOLS["bench"], PROTOCOLS["huang"]
EMPTY = {"area_px": 0, "value": np.nan, "status": "undefined", "slice": 1}
GIVEN = records({"value": 0.5}, EMPTY, {"area_px": 0, "value": 0.0, "slice": 2})


@pytest.mark.parametrize(
    ("rule", "values"),
    [("nan", [0.5, np.nan, 0]), ("one", [0.5, 1, 0]), ("zero", [0.5, 0, 0]), ("skip", [0.5, np.nan, np.nan])],
)
def test_empty_rules_follow_from_the_records(rule, values):
    found = under(GIVEN, BENCH, with_empty_rule(BENCH, rule))
    assert np.array_equal(found["value"].to_numpy(float), values, equal_nan=True)


def test_a_rule_that_hides_what_is_empty_needs_the_masks():
    hidden = records({"area_px": 0, "value": 1.0})
    assert under(hidden, with_empty_rule(BENCH, "one"), BENCH) is None
    assert len(under(records({"value": 0.5}), with_empty_rule(BENCH, "one"), BENCH)) == 1


def test_the_oracles_dice_stands_where_there_were_candidates():
    given = records({"value": 0.5}, {"metric": "oracle_dice", "value": 0.8}, {"value": 0.4, "slice": 1})
    assert under(given, BENCH, HUANG)["value"].tolist() == [0.8, 0.4]
    assert under(given, HUANG, BENCH) is None  # the model's own choice is not told


def test_volumes_are_read_where_the_protocol_wants_them():
    given = records({"value": 0.5}, {"metric": "volume_dice", "value": 0.3, "slice": pd.NA})
    assert under(given, BENCH, PROTOCOLS["medsam"])["value"].tolist() == [0.3]


def test_an_oracle_for_some_networks_alone_is_no_ranking():
    candidates = ({"model": "imis/mini", "value": 0.5}, {"model": "imis/mini", "metric": "oracle_dice", "value": 0.8})
    assert under(records(*candidates, {"model": "huang/mini", "value": 0.6}), BENCH, HUANG) is None
    beside = under(records(*candidates, {"model": "baseline/box", "value": 0.6}), BENCH, HUANG)
    assert beside["value"].tolist() == [0.8, 0.6]
