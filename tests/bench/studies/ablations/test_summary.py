"""Intervals and verdicts by hand."""

import numpy as np
import pytest
from scipy import stats

from bench.studies.ablations.summary import MEAN, difference, gains, interval, is_best, trainings, trainings_needed
from tests.helpers.ablations import values


def test_interval_is_students():
    found = interval([10.0, 12.0, 14.0])
    assert (found.mean, found.n) == (12, 3)
    assert found.high - 12 == pytest.approx(4.30265 * 2 / 3**0.5, rel=1e-4)
    assert np.isnan(interval([1.0]).low)


def test_differences_are_welchs():
    table = values(50, 40, spread=5.0).drop([(1, 2)])
    found = difference(table, 0, 1)
    ones, others = table.xs(0)[MEAN], table.xs(1)[MEAN]
    expected = stats.ttest_ind(ones, others, equal_var=False).confidence_interval(0.95)
    assert (found.mean, found.n) == (pytest.approx(ones.mean() - others.mean()), 2)
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high))
    assert np.isnan(difference(table.drop([(1, 1)]), 0, 1).low)


def test_captions_say_how_many_trainings_there_are():
    table = values(50, 40)
    assert trainings(table) == "3 trainings"
    assert trainings(table.drop([(1, 2)])) == "2 to 3 trainings"
    assert trainings(table.xs(0, level="seed", drop_level=False)) == "1 training"


def test_narrow_intervals_need_no_more_trainings():
    spread = [68.0, 71.0, 74.0]
    assert trainings_needed([70.0, 71.0, 72.0], 8) == 3
    assert trainings_needed(spread, 20) == 9  # 2 x 2.306 x 3 / 3 = 4.6, and 5.02 with eight
    assert trainings_needed(spread, 6) == 6
    assert trainings_needed(spread, 2) == 3


def test_trainings_that_are_all_alike_have_an_interval_of_one_point():
    found = difference(values(50, 40, spread=0.0), 0, 1)
    assert (found.mean, found.low, found.high) == (10, 10, 10)


@pytest.mark.parametrize(
    ("means", "outcome", "text"),
    [
        ((60, 50, 40), "shows", "+10.00"),
        ((50, 60, 40), "does not show", "-10.00"),
    ],
)
def test_best_needs_every_rival_beaten(means, outcome, text):
    found = is_best("4:1 is best", values(*means), ["4:1", "8:1", "12:1"], 0, [1, 2])
    assert found.outcome == outcome
    assert text in found.why


def test_best_by_chance_does_not_show():
    table = values(60, 59)
    table.loc[(1, 0), MEAN] = 64  # one lucky seed
    found = is_best("first", table, ["a", "b"], 0, [1])
    assert found.outcome == "does not show"
    table.loc[(1, 0), MEAN] = 61.5
    found = is_best("first", table, ["a", "b"], 0, [1])
    assert (found.outcome, "not beyond chance of b" in found.why) == ("does not show", True)


def test_two_seeds_give_no_verdict():
    assert gains("claim", interval([1.0, 1.0])).outcome == "not testable"
    assert gains("claim", interval([1.0, 1.0, 1.1])).outcome == "shows"
