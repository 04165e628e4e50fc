import numpy as np
import pandas as pd
import pytest

from adapters.families.sam import SamSegmenter
from bench.predicting import predict
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


def asked(*slices):
    return [(number, pd.DataFrame({"slice": range(count)})) for number, count in enumerate(slices)]


@pytest.mark.parametrize(
    ("slices", "expected"),
    [
        ((1, 1, 1, 1, 1), [[0, 1, 2], [3, 4]]),
        ((5, 1, 2, 1), [[0], [1, 2], [3]]),
        ((2, 2, 3, 1), [[0], [1], [2], [3]]),
        ((0, 0, 9), [[0, 1], [2]]),
        ((), []),
    ],
)
def test_batches_hold_as_many_cases_as_fill_a_pass(slices, expected):
    found = predict.batches(asked(*slices), 3)
    assert [[number for number, _ in batch] for batch in found] == expected


def test_cases_share_passes_and_a_resumed_run_has_the_same_companions(tmp_path, monkeypatch):
    settings = config(tmp_path / "r", models=("sam/mini",), prompts=("box", "clicks"))
    passes = []
    encode = SamSegmenter.encode

    def counted(self, images):
        passes.append(len(images))
        return encode(self, images)

    monkeypatch.setattr(SamSegmenter, "encode", counted)
    run.run(settings)
    shards = sorted((tmp_path / "r/predictions").rglob("*.npz"))
    before = [path.read_bytes() for path in shards]
    assert len(shards) == 4 and passes == [6, 6]  # cases of three slices each
    passes.clear()
    shards[1].unlink()
    run.run(settings)
    assert passes == [6]
    assert [path.read_bytes() for path in shards] == before


def test_embeddings_of_one_run_serve_the_next(tmp_path, monkeypatch):
    shared = {"models": ("sam/mini",), "prompts": ("box",), "cache": tmp_path / "embeddings"}
    run.run(config(tmp_path / "first", **shared))
    assert list((tmp_path / "embeddings").glob("*/*.embedding"))
    monkeypatch.setattr("adapters.families.sam.SamSegmenter.encode", None)  # not called again
    predict.load.cache_clear()
    run.run(config(tmp_path / "second", **shared))
    one, other = (pd.read_parquet(tmp_path / name / "records.parquet") for name in ("first", "second"))
    assert (one["status"] == "ok").all()
    assert one["value"].equals(other["value"])
