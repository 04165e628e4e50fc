from dataclasses import replace

import pytest

from bench.reporting.gallery import picks as picks_module
from bench.reporting.gallery.picks import AT_MOST, select
from tests.helpers.runs import MODELS, everything, level


def test_worst_picks_are_the_lowest_of_each_model_and_of_different_objects():
    picks = select(everything(level, patients=9, datasets=("segthor",)))
    worst = [pick for pick in picks if pick.why == "worst" and pick.model == "sam/mini"]
    assert [pick.patient for pick in worst] == ["p0", "p1", "p2", "p3", "p4"]
    assert {pick.slice for pick in worst} == {0}  # the worse slice of each
    assert worst[0].dice == pytest.approx(0.6)


def test_random_picks_are_the_same_objects_for_all_models_and_in_every_run():
    run = everything(level, patients=9, datasets=("segthor",))
    by_model = [[(p.case, p.slice) for p in select(run) if p.why == "random" and p.model == model] for model in MODELS]
    assert by_model[0] == by_model[1] == by_model[2] and len(by_model[0]) == AT_MOST
    shuffled = replace(run, records=run.records.sample(frac=1, random_state=1))
    again = [(p.case, p.slice) for p in select(shuffled) if p.why == "random" and p.model == "sam/mini"]
    assert again == by_model[0]


def test_many_pairs_get_fewer_picks(monkeypatch):
    monkeypatch.setattr(picks_module, "CARDS", 12)
    picks = select(everything(level, patients=9))  # 6 pairs of model and data set
    assert len(picks) == 12
