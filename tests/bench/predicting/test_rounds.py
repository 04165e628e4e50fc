from types import SimpleNamespace

import pandas as pd
import pytest
import torch

from bench.predicting import rounds
from bench.running import run
from tests.helpers import fakes
from tests.helpers.fakes import config
from tests.helpers.runs import click_table

pytestmark = pytest.mark.usefixtures("registered", "without_figures")


def test_clicks_get_better_and_every_round_has_a_mask(tmp_path):
    run.run(config(tmp_path / "r", prompts=("clicks",), models=("fake/good",)))
    records = pd.read_parquet(tmp_path / "r" / "records.parquet").query("metric == 'dice'")
    means = records.groupby("round")["value"].mean()
    assert means.index.tolist() == [1, 2, 3] and means[3] > means[1]
    assert records.groupby("round").size().nunique() == 1
    lines = click_table(tmp_path / "r", "clicks").lines
    assert [line.label for line in lines] == ["1 click", "2 clicks", "3 clicks"]


def test_a_box_comes_first_and_clicks_correct_it(tmp_path):
    folder = tmp_path / "r"
    run.run(config(folder, models=("fake/several",), prompts=("box+clicks", "box"), limit=1))
    records = pd.read_parquet(folder / "records.parquet").query("metric == 'dice'")
    first = records.query("prompt == 'box+clicks' and round == 1")["value"]
    assert first.tolist() == records.query("prompt == 'box'")["value"].tolist()
    last = records.query("prompt == 'box+clicks' and round == 3")["value"]
    assert len(last) == 3 and last.mean() > first.mean()
    labels = [line.label for line in click_table(folder, "box+clicks").lines]
    assert labels == ["box", "box + 1 click", "box + 2 clicks"]


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_logits_that_are_no_numbers_are_failures_and_the_rest_is_scored(tmp_path, monkeypatch, value):
    """The second click is answered so: the round and those after it fail, the first one is scored."""
    asked = fakes.Fake._one

    def broken(self, image, prompt):
        prediction = asked(self, image, prompt)
        if prompt.points is not None and len(prompt.points.labels) == 2:
            prediction.candidate_logits[0, 0, 0] = value
        return prediction

    monkeypatch.setattr(fakes.Fake, "_one", broken)
    outcome = run.run(config(tmp_path / "r", prompts=("clicks",), models=("fake/good",), limit=1))
    records = pd.read_parquet(tmp_path / "r" / "records.parquet").query("metric == 'dice'")
    assert set(records.query("round == 1")["status"]) == {"ok"}
    later = records.query("round > 1")
    assert set(later["status"]) == {"failed"} and later["value"].isna().all() and len(later) == 6
    reasons = pd.read_parquet(tmp_path / "r" / "failures.parquet").query("stage == 'predict'")["reason"]
    assert reasons.str.contains("logits are NaN or infinite").all() and outcome.failed == 6


class Drawer:
    """Draws a mask per candidate, and counts how often it is asked."""

    asked = 0

    def masks(self, encoded, logits):
        self.asked += 1
        return logits > 0


@pytest.mark.parametrize(("device", "at_once"), [("cpu", 0), ("cuda", 1)])
def test_a_gpu_draws_candidates_before_any_is_waited_for(device, at_once):
    logits = torch.tensor([[[1.0, -1]], [[-1, 1]], [[1, 1]]])
    on = SimpleNamespace(device=SimpleNamespace(type=device))
    network = Drawer()
    later = rounds._candidates(
        network, None, SimpleNamespace(mask=on, candidate_scores=[1, 2, 3], candidate_logits=logits)
    )
    assert network.asked == at_once
    assert [mask.tolist() for mask in later()] == [[[True, False]], [[False, True]], [[True, True]]]
    assert network.asked == 1
    alone = rounds._candidates(network, None, SimpleNamespace(mask=on, candidate_scores=[1], candidate_logits=logits))
    assert alone() == [] and network.asked == 1
