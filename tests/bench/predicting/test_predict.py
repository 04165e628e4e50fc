import threading

import numpy as np
import pandas as pd
import pytest

from bench.clock import Spent
from bench.errors import RunError
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


@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_slices_are_taken_in_chunks_in_their_order(device, monkeypatch):
    monkeypatch.setattr(predict, "SLICES_AT_ONCE", {"cpu": 2, "cuda": 3})
    size = predict.SLICES_AT_ONCE[device]
    for count in (0, 1, size, 2 * size + 1):
        spent = Spent()
        chunks = list(predict._chunks(iter(range(count)), device, spent))
        assert [one for chunk in chunks for one in chunk] == list(range(count))
        assert all(len(chunk) == size for chunk in chunks[:-1]) and set(spent) == {"read"}


def test_the_next_slices_of_a_gpu_are_read_while_it_computes():
    read = threading.Event()

    def slices():
        yield from range(64)
        read.set()
        yield 64

    chunks = predict._chunks(slices(), "cuda", Spent())
    next(chunks)
    assert read.wait(timeout=10)
    assert next(chunks) == [64]


@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_what_reading_raises_ends_the_chunks(device):
    def broken():
        yield from range(70)
        raise RunError("can no longer be read")

    with pytest.raises(RunError, match="no longer"):
        list(predict._chunks(broken(), device, Spent()))


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
