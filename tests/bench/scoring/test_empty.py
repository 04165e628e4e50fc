from math import isnan, nan

import pytest

from bench.protocols import EMPTY_RULES
from bench.scoring.empty import settle
from bench.scoring.metrics import Areas, dice

NOTHING, FALSE_ALARM, MISSED, HIT = Areas(0, 0, 0), Areas(0, 5, 0), Areas(5, 0, 0), Areas(4, 4, 2)


@pytest.mark.parametrize(
    ("rule", "nothing", "false_alarm"),
    [
        ("nan", (nan, "undefined"), (0.0, "ok")),
        ("one", (1.0, "ok"), (0.0, "ok")),
        ("zero", (0.0, "ok"), (0.0, "ok")),
        ("skip", (nan, "skipped"), (nan, "skipped")),
    ],
)
def test_rules_differ_where_the_target_is_empty(rule, nothing, false_alarm):
    for areas, (value, status) in ((NOTHING, nothing), (FALSE_ALARM, false_alarm)):
        got, got_status = settle(dice(areas), areas, rule)
        assert got_status == status
        assert got == value or (isnan(got) and isnan(value))


@pytest.mark.parametrize("rule", EMPTY_RULES)
def test_rules_agree_where_the_target_has_foreground(rule):
    assert settle(dice(MISSED), MISSED, rule) == (0.0, "ok")
    assert settle(dice(HIT), HIT, rule) == (0.5, "ok")


def test_an_unknown_rule_is_named():
    with pytest.raises(ValueError, match="half"):
        settle(1.0, HIT, "half")
