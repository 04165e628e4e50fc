from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch

from adapters.interface import VolumePrediction
from bench import protocols
from bench.errors import RunError
from bench.running import run
from bench.store.masks import MaskShard
from bench.store.run_folder import predictions_path
from tests.helpers.fakes import Fake, config
from tests.helpers.runs import score_table

pytestmark = pytest.mark.usefixtures("registered", "without_figures")
PROMPTS = ("box", "clicks", "mask")


@pytest.fixture
def asked(monkeypatch):
    """The fake draws what it is asked for on its slice and one to either side, and remembers what that was."""
    seen = []

    def propagate(self, volume, prompts):
        made = []
        for given in prompts:
            seen.append(given)
            if self.card.name == "fake/raises":
                raise RuntimeError("no way")
            mask = given.mask if given.mask is not None else self._one(volume[given.slice], given.prompt).mask.numpy()
            masks = np.zeros((len(volume), *mask.shape), bool)
            masks[max(0, given.slice - 1) : given.slice + 2] = mask
            made.append(VolumePrediction(torch.from_numpy(masks), torch.zeros(1, 4, 4)))
        return made

    monkeypatch.setattr(Fake, "propagate", propagate, raising=False)
    for name in ("fake/good", "fake/raises"):
        monkeypatch.setitem(Fake.cards, name, replace(Fake.cards[name], propagates=True))
    return seen


def entries(folder, model="fake/good", case="c0"):
    shard = MaskShard.load(predictions_path(folder, model, "squares", case))
    return list(zip(shard.index, shard.masks, strict=True))


def values(folder, metric, model="fake/good", prompt="box"):
    records = pd.read_parquet(folder / "records.parquet")
    found = records.query("metric == @metric and model == @model and prompt == @prompt and case == 'c0'")
    return found.set_index("target")["value"].to_dict()


def test_one_prompt_and_masks_on_all_slices(tmp_path, asked):
    run.run(config(tmp_path / "r", protocol="volume"))
    of_c0 = [entry for entry, _ in entries(tmp_path / "r")]
    assert [(e["target"], e["slice"], e["asked"]) for e in sorted(of_c0, key=lambda e: (e["target"], e["slice"]))] == [
        ("bar", 0, False), ("bar", 1, False), ("bar", 2, True),
        ("square", 0, True), ("square", 1, False), ("square", 2, False),
    ]  # fmt: skip
    assert len(asked) == 2 * 4  # targets, cases
    by_slice = [entry for entry, _ in entries(tmp_path / "r", "baseline/box")]
    assert sorted((e["target"], e["slice"]) for e in by_slice) == [("bar", 2), ("square", 0), ("square", 1)]


def test_each_slice_is_encoded_once_for_all_objects_and_prompts(tmp_path, asked):
    run.run(config(tmp_path / "r", protocol="volume", prompts=PROMPTS, models=("fake/good",)))
    assert Fake.encoded == 4 * 3  # cases, slices


def test_scores_of_propagation(tmp_path, asked):
    run.run(config(tmp_path / "r", protocol="volume"))
    folder = tmp_path / "r"
    assert values(folder, "user_actions") == {"bar": 1, "square": 1}
    assert values(folder, "user_actions", "baseline/box") == {"bar": 1, "square": 2}
    assert values(folder, "over_slices") == {"bar": 1, "square": 0}
    assert values(folder, "over_slices", "baseline/box") == {"bar": 0, "square": 0}
    assert values(folder, "over_ml")["bar"] == pytest.approx(18 * 2 * 3 / 1000)
    assert values(folder, "prompted_dice")["bar"] == 1
    dice = values(folder, "volume_dice")
    assert (
        dice["bar"] == pytest.approx(2 / 3)
        and dice["square"] == values(folder, "volume_dice", "baseline/box")["square"]
    )
    table = score_table(folder, "box", "volume")
    assert any(note == "user actions per volume: baseline/box 1.5, fake/good 1.0" for note in table.notes)


def test_empty_slices_are_scored(tmp_path, asked):
    run.run(config(tmp_path / "r", protocol="volume"))
    records = pd.read_parquet(tmp_path / "r" / "records.parquet")
    found = records.query("model == 'fake/good' and case == 'c0' and target == 'bar' and metric == 'dice'")
    assert found.set_index("slice")["status"].to_dict() == {0: "undefined", 1: "ok", 2: "ok"}
    assert found.set_index("slice")["value"].to_dict()[1] == 0


def test_clicks_correct_the_prompted_slice(tmp_path, asked):
    run.run(config(tmp_path / "r", protocol="volume", prompts=("clicks",), models=("fake/good",), clicks=3))
    of_bar = [given for given in asked if given.slice == 2][:3]
    assert [len(given.prompt.points.xy) for given in of_bar] == [1, 2, 3]
    assert [given.prompt.previous is None for given in of_bar] == [True, False, False]
    records = pd.read_parquet(tmp_path / "r" / "records.parquet").query("metric == 'user_actions' and target == 'bar'")
    assert records.groupby("round")["value"].max().to_dict() == {1: 1, 2: 2, 3: 3}


def test_a_mask_is_the_target_of_the_prompted_slice(tmp_path, asked):
    run.run(config(tmp_path / "r", protocol="volume", prompts=("mask",)))
    assert all(given.mask is not None for given in asked)
    assert values(tmp_path / "r", "prompted_dice", prompt="mask") == {"bar": 1, "square": 1}
    cells = score_table(tmp_path / "r", "mask", "volume").lines[0].cells
    assert [cell.applicable for cell in cells] == [False, True]


def test_a_mask_needs_a_protocol_of_volumes(tmp_path, asked):
    with pytest.raises(RunError, match="mask needs a protocol of volumes"):
        run.run(config(tmp_path / "r", prompts=("mask",)))


def test_a_failed_object_is_records_and_the_others_go_on(tmp_path, asked):
    outcome = run.run(
        config(tmp_path / "r", protocol="volume", models=("fake/raises", "fake/good"), prompts=("clicks",))
    )
    assert outcome.failed
    of_c0 = entries(tmp_path / "r", "fake/raises")
    assert len(of_c0) == 2 * 3 * 3 and all(mask is None for _, mask in of_c0)
    assert {entry["reason"] for entry, _ in of_c0} == {"RuntimeError: no way"}
    assert all(np.isnan(value) for value in values(tmp_path / "r", "over_ml", "fake/raises", "clicks").values())
    assert values(tmp_path / "r", "user_actions", prompt="clicks")


def test_a_volume_that_cannot_be_encoded_is_records(tmp_path, asked):
    run.run(config(tmp_path / "r", protocol="volume", models=("fake/raises",)))
    assert {entry["reason"] for entry, _ in entries(tmp_path / "r", "fake/raises", "c1")} == {
        "RuntimeError: a bright pixel"
    }


@pytest.mark.parametrize(("rule", "expected"), [("middle", 4), ("largest", 5), ("first", 2)])
def test_prompted_slice(rule, expected):
    assert protocols.prompted_slice({7: 3, 2: 1, 5: 9, 6: 9, 4: 2, 3: 1}, rule) == expected


def test_no_single_prompted_slice():
    with pytest.raises(ValueError, match="no single prompted slice"):
        protocols.prompted_slice({1: 1}, "every")
    with pytest.raises(ValueError, match="among 0 slices"):
        protocols.prompted_slice({}, "middle")
