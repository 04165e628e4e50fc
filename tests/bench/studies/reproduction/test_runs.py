"""The numbers of a run, with their origin, and whether a run is the one that is wanted."""

from dataclasses import replace
from pathlib import Path

import pytest

from bench.statistics.patients import AVERAGE
from bench.studies.reproduction import runs
from bench.studies.reproduction.programme import Programme
from tests.helpers.runs import score_table
from tests.helpers.scored import write_scored


def test_classes_and_one_average_of_each_data_set_in_percent(tmp_path: Path) -> None:
    folder = write_scored(tmp_path / "r", ("sam/vit_b", "imis/vit_b"), ("isles2022", "segthor"), patients=3)
    found = list(runs.numbers(folder, own=False))
    places = [(one.dataset, one.row, one.model) for one in found]
    assert len(set(places)) == len(places)
    assert sum(one.row == AVERAGE for one in found) == 4
    table = score_table(folder, "box", "macro_class")
    (line,) = [line for line in table.lines if (line.group, line.label) == ("segthor", AVERAGE)]
    (mine,) = [one for one in found if (one.dataset, one.row, one.model) == ("segthor", AVERAGE, "imis/vit_b")]
    assert mine.value == 100 * line.cells[1].value and mine.low < mine.value < mine.high
    assert mine.source.startswith("r: no weights; Official weights on real data")
    assert {one.model for one in runs.numbers(folder, own=True)} == {runs.OWN}


def test_a_run_is_done_when_it_is_this_one_and_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = write_scored(tmp_path / "r", ("sam/vit_b",), ("segthor",), patients=2)
    config = runs.read_run(folder).config
    assert not runs.is_done(config), "there is no report"
    monkeypatch.setattr(runs, "is_reported", lambda folder: True)
    assert runs.is_done(config) and runs.is_same(replace(config, jobs=7))
    other = replace(config, models=("sam/vit_b", "medsam/vit_b"))
    assert not runs.is_done(other) and not runs.is_done(config.at(tmp_path / "nothing"))
    asked = []
    monkeypatch.setattr(runs.run, "run", lambda config, resume: asked.append(resume))
    for one in (config, other, config.at(tmp_path / "nothing")):
        runs.perform(one)
    assert asked == [True, False, True], "a run with other models is replaced"


def test_the_pace_limits_the_cases(tmp_path: Path) -> None:
    mini = Programme(tmp_path, jobs=1)
    for programme, limit in ((mini, None), (replace(mini, quick=True), 1)):
        config = runs.configured(programme, ["sam/mini"], ["segthor"], ["box"], tmp_path, None, tmp_path / "r")
        assert (config.limit, config.world, config.models, config.jobs) == (limit, "phantom", ("sam/mini",), 1)
