"""The ablation of experts."""

from dataclasses import replace

import pytest

from bench.studies.ablations import experts
from bench.studies.ablations.setting import NetworkVariant


def test_a_variant_is_named_by_its_experts_and_active_experts():
    assert experts.name(NetworkVariant(experts=8, active=2)) == "8:2"


@pytest.mark.slow
def test_every_number_of_experts_is_reported(setting):
    found = experts.ablate(replace(setting, seeds=1), jobs=1)
    assert list(found.table["N:M"]) == ["4:1", "4:2", "8:1", "8:2", "12:1", "12:2"] * 2
    assert {verdict.outcome for verdict in found.verdicts} == {"not testable"}
