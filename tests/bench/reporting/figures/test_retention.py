import numpy as np
import pandas as pd
import pytest

from bench.reporting.figures.picture import Picture
from bench.reporting.figures.retention import curves, retention
from bench.reporting.scored_run import read_scored_run
from bench.running import run
from tests.helpers.fakes import config

pytestmark = pytest.mark.usefixtures("registered", "without_figures")


def test_bins_hold_what_is_as_far_and_the_prompted_slice_stands_alone():
    distances, dice = [0, 0, 3, 5, 6, 10, 100], [1.0, 0.8, 0.7, 0.5, 0.4, 0.2, 0.0]
    found = curves(pd.DataFrame({"model": "m", "distance_mm": distances, "value": dice}))["m"]
    assert found.index.tolist() == [0.0, 2.5, 7.5, 90.0]
    assert found.to_numpy() == pytest.approx([90, 60, 30, 0])


def test_undefined_values_are_left_out():
    found = curves(pd.DataFrame({"model": "m", "distance_mm": [0.0, 3.0], "value": [1.0, np.nan]}))["m"]
    assert found.to_dict() == {0.0: 100.0}


def test_a_figure_of_volumes_and_none_of_slices(tmp_path):
    run.run(config(tmp_path / "v", protocol="volume"))
    [picture] = retention(read_scored_run(tmp_path / "v"), "box")
    assert isinstance(picture, Picture) and picture.name == "dice-by-distance-box"
    assert "from the middle one" in picture.caption and "fake/good from" in picture.alt
    run.run(config(tmp_path / "s"))
    assert list(retention(read_scored_run(tmp_path / "s"), "box")) == []
