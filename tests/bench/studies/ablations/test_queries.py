"""The ablation of queries."""

import pytest

from bench.studies.ablations import queries
from bench.studies.ablations.summary import MEAN
from tests.helpers.ablations import values


@pytest.mark.parametrize(
    ("means", "spread", "outcome"),
    [
        ((77, 77.2, 77.1, 70), 0.1, "shows"),
        ((77, 84, 77, 70), 0.1, "does not show"),
        ((77, 78, 76, 70), 9.0, "not testable"),
    ],
)
def test_two_queries_are_enough_only_where_more_cannot_be_better(means, spread, outcome):
    table = values(*means)
    table.loc[(1, 0), MEAN] -= spread
    assert queries.enough(table, [MEAN]).outcome == outcome


@pytest.mark.slow
def test_every_number_of_queries_is_reported(setting):
    found = queries.ablate(setting, jobs=1)
    assert list(found.table["setting"]) == ["Q=2", "Q=4", "Q=8", "w/o PPT"]
    assert found.table["paper: ISLES"].tolist() == ["65.28*", "64.97", "65.00*", "59.00"]
    assert found.verdicts[2].outcome == "not testable"
