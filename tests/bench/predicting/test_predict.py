import numpy as np
import pandas as pd
import pytest

from bench.running import run
from bench.store.masks import MaskShard
from bench.store.run_folder import predictions_path
from tests.helpers.fakes import config
from tests.helpers.runs import score_table

pytestmark = pytest.mark.usefixtures("registered", "without_figures")


def test_untrained_prompt_is_not_applicable_unless_asked_for(tmp_path):
    models = ("baseline/box", "fake/boxes", "fake/good")
    run.run(config(tmp_path / "r", prompts=("click",), models=models))
    cells = score_table(tmp_path / "r", "click").lines[0].cells
    assert [cell.text() for cell in cells[:2]] == ["n/a", "n/a"] and cells[2].applicable
    run.run(config(tmp_path / "f", prompts=("click",), models=models, untrained_prompts=True))
    forced = score_table(tmp_path / "f", "click").lines[0].cells
    assert not forced[0].applicable  # a baseline cannot take clicks at all
    assert forced[1].forced and "*" in forced[1].text() and not forced[2].forced


def test_working_resolution_is_scored_on_the_original_grid(tmp_path):
    run.run(config(tmp_path / "r", protocol="segmote"))
    shard = MaskShard.load(predictions_path(tmp_path / "r", "baseline/box", "squares", "c0"))
    assert {mask.shape for mask in shard.masks} == {(16, 20)}
    records = pd.read_parquet(tmp_path / "r" / "records.parquet")
    assert records.query("model == 'baseline/box' and target == 'bar' and metric == 'dice'")["value"].min() > 0.95
    prompts = pd.read_parquet(tmp_path / "r" / "prompts.parquet")
    assert (prompts["height"] == 512).all() and prompts["x1"].max() > 100


def test_pixels_of_the_stored_masks_are_the_models(tmp_path):
    run.run(config(tmp_path / "r"))
    shard = MaskShard.load(predictions_path(tmp_path / "r", "baseline/box", "squares", "c0"))
    bar = next(m for e, m in zip(shard.index, shard.masks, strict=True) if e["target"] == "bar")
    expected = np.zeros((16, 20), bool)
    expected[13:15, 1:19] = True
    assert np.array_equal(bar, expected)
