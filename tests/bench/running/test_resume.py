from dataclasses import replace

import pandas as pd
import pytest

from bench.errors import RunError
from bench.running import describe, resume, run
from bench.store.files import read_json
from tests.helpers import fakes
from tests.helpers.fakes import config
from tests.helpers.run_folders import assert_same

pytestmark = pytest.mark.usefixtures("registered", "without_figures")


def test_interrupted_run_goes_on_and_ends_the_same(tmp_path, monkeypatch):
    chosen = {"models": ("fake/dies",), "prompts": ("clicks",)}
    with pytest.raises(KeyboardInterrupt):
        run.run(config(tmp_path / "a", **chosen))
    done = list((tmp_path / "a" / "predictions").rglob("*.npz"))
    assert len(done) == 1
    before = done[0].stat().st_mtime_ns
    monkeypatch.setattr(fakes.Fake, "dies_after", 100)
    run.run(config(tmp_path / "a", **chosen))
    assert done[0].stat().st_mtime_ns == before
    run.run(config(tmp_path / "b", **chosen))
    assert_same(tmp_path / "a", tmp_path / "b")


def test_finished_run_predicts_nothing_again(tmp_path):
    run.run(config(tmp_path / "r"))
    asked = fakes.Fake.encoded
    run.run(config(tmp_path / "r"))
    assert fakes.Fake.encoded == asked


def test_another_configuration_is_refused_or_replaces(tmp_path):
    run.run(config(tmp_path / "r"))
    with pytest.raises(RunError, match="other seed"):
        run.run(config(tmp_path / "r", seed=1))
    run.run(config(tmp_path / "r", seed=1), resume=False)
    assert read_json(tmp_path / "r" / "run.json")["config"]["seed"] == 1


def test_changed_prompts_are_noticed(tmp_path):
    run.run(config(tmp_path / "r"))
    path = tmp_path / "r" / "prompts.parquet"
    table = pd.read_parquet(path)
    table["x0"] += 1
    table.to_parquet(path)
    with pytest.raises(RunError, match="changed since it was drawn"):
        run.run(config(tmp_path / "r"))


def test_a_run_does_not_go_on_with_other_weights(tmp_path, monkeypatch):
    first = describe.describe_model

    def weights(digit):
        def described(*args):
            return replace(first(*args), weights_sha256=digit * 64)

        for module in (describe, resume):
            monkeypatch.setattr(module, "describe_model", described)

    weights("a")
    run.predict_only(config(tmp_path / "r"))
    run.predict_only(config(tmp_path / "r"))
    weights("b")
    with pytest.raises(RunError, match=r"begun with other weights of baseline/box.*--no-resume"):
        run.predict_only(config(tmp_path / "r"))


def test_lost_targets_are_drawn_again(tmp_path):
    run.run(config(tmp_path / "r"))
    path = next((tmp_path / "r" / "targets").rglob("*.npz"))
    before, prompts = path.read_bytes(), (tmp_path / "r" / "prompts.parquet").read_bytes()
    path.write_bytes(before[:-30])
    with pytest.raises(RunError, match="delete it and resume the run"):
        run.run(config(tmp_path / "r"))
    path.unlink()
    run.run(config(tmp_path / "r"))
    assert path.read_bytes() == before and (tmp_path / "r" / "prompts.parquet").read_bytes() == prompts
