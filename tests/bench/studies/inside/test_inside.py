"""Looking inside: the numbers of the pictures by hand, and the commands on a small folder."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

import adapters
from adapters.families.segmote import MINI, SegmoteSegmenter
from bench.cli import main
from bench.miniworld.phantoms.medseg_hq import write_medseg_hq
from bench.studies.inside import choices, embeddings, routing
from bench.studies.questions import all_asked, data_sets
from tests.segmote.network.test_network import network_of


@pytest.fixture(scope="module")
def segmenter():
    return SegmoteSegmenter(adapters.card("segmote/mini"), network_of(MINI), torch.device("cpu"), "fp32")


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    root = tmp_path_factory.mktemp("inside")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            "bench.miniworld.phantoms.medseg_hq.CODES", {"PHANTOM_XRAY": "X-ray", "PHANTOM_DERMOSCOPY": "dermoscopy"}
        )
        write_medseg_hq(root, seed=0, images=24)
    return root


@pytest.fixture(scope="module")
def slices(data):
    return list(all_asked(data_sets(["imis"], data), "box", "bench", 0, []))


def test_each_folder_is_a_data_set_of_its_test_list(data):
    sets = data_sets(["imis"], data)
    assert [one.title for one in sets] == ["PHANTOM_DERMOSCOPY", "PHANTOM_XRAY"]
    assert {item.details["split"] for one in sets for item in one.items} == {"test"}
    assert [len(one.items) for one in data_sets(["imis"], data, limit=1)] == [1, 1]


def test_choices_are_those_of_the_network(segmenter, slices):
    table = choices.choices(segmenter, (found for _, found in slices))
    assert len(table) == sum(len(found.questions) for _, found in slices)
    row, (_, found) = table.iloc[0], slices[0]
    [encoded] = segmenter.encode([found.sample.image])
    drawn = segmenter.draw([(encoded, found.questions[0].prompt)])
    assert row["token"] == int(drawn.token)
    experts = [str(drawn.routings[1].experts[0, token, 0].item()) for token in range(4)]
    assert [row[f"layer1_token{token}"] for token in range(4)] == experts
    assert (table["best_dice"] >= table["dice"]).all()


def test_shares_by_hand():
    table = pd.DataFrame({
        "dataset": ["b", "b", "b", "a"], "token": [0, 0, 1, 2], "best_token": [0, 1, 1, 2],
        "dice": [0.1, 0.2, 0.3, 0.4], "best_dice": [0.1, 0.8, 0.3, 0.4], "layer0_token0": ["0", "0", "1", "2+1"],
        "layer0_token1": ["0", "0", "2", "1+2"],
    })  # fmt: skip
    found = choices.shares(table, 3)
    assert list(found.index) == ["b", "a"]
    assert found["n"].tolist() == [3, 1]
    assert found.loc["b", ["token0", "token1", "token2", "hit"]].tolist() == pytest.approx([2 / 3, 1 / 3, 0, 2 / 3])
    assert found.loc["b", "best_dice"] == pytest.approx(0.4)
    used = choices.expert_shares(table, 0, 3)
    assert used.loc["b"].tolist() == pytest.approx([4 / 6, 1 / 6, 1 / 6])
    assert used.loc["a"].tolist() == pytest.approx([0, 0.5, 0.5])


def test_examples_are_the_largest_targets(slices):
    shown = routing.largest(slices, 1)
    assert len(shown) == 2
    for title, one in zip(("PHANTOM_DERMOSCOPY", "PHANTOM_XRAY"), shown, strict=True):
        shares = [q.mask.mean() for found, part in slices if found.title == title for q in part.questions]
        assert [question.mask.mean() for question in one.questions] == [max(shares)]


def test_maps_lie_on_the_image_and_are_measured_inside_the_target(segmenter, slices):
    [first, _] = routing.examples(segmenter, routing.largest(slices, 1), -1)
    assert first.tokens.shape == first.expert_maps.shape == (4, *first.image.shape[:2])
    table = routing.measured([first])
    row = table[(table["map"] == "token") & table["selected"]].iloc[0]
    assert row["index"] == first.token
    assert row["inside"] == pytest.approx(first.tokens[first.token][first.question.mask].mean())


def test_overlay_is_half_image_and_half_jet():
    image = np.full((1, 2, 3), 100, np.uint8)
    mixed = routing.overlay(image, np.array([[0.0, 1.0]], np.float32))
    assert mixed.tolist() == [[[50, 50, 114], [114, 50, 50]]]  # JET ends in half a blue and half a red


def test_mixing_tells_apart_from_together():
    rng = np.random.default_rng(0)
    apart = np.concatenate([rng.normal(0, 1, (10, 4)), rng.normal(100, 1, (10, 4))]).astype(np.float32)
    names = pd.Series(["a"] * 10 + ["b"] * 10)
    assert embeddings.mixing(apart, names).tolist() == [0, 0]
    assert embeddings.mixing(apart, pd.Series(["a", "b"] * 10)).min() > 0.3


@pytest.mark.parametrize("command", ["experts", "routing", "embeddings"])
def test_command_writes_picture_and_numbers(data, tmp_path, command, segmenter, monkeypatch, capsys):
    monkeypatch.setattr(adapters, "load", lambda *_: segmenter)
    with pytest.raises(SystemExit) as stop:
        main(["inside", command, "--data", str(data), "--out", str(tmp_path)])
    assert stop.value.code == 0
    made = sorted(path.name for path in map(Path, capsys.readouterr().out.splitlines()) if path.parent == tmp_path)
    assert made == sorted(path.name for path in tmp_path.iterdir())
    assert {Path(name).suffix for name in made} == {".png", ".pdf", ".csv"}
    for path in tmp_path.glob("*.png"):
        assert np.ptp(np.asarray(Image.open(path).convert("L"))) > 100


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["experts", "--model", "baseline/box"], "no expert tokens"),
        (["routing", "--layer", "3"], "decoder layers 1 to 2"),
        (["embeddings", "--model", "baseline/box"], "no image embedding"),
    ],
)
def test_what_cannot_be_looked_at_is_said_in_a_line(data, arguments, text, segmenter, monkeypatch, capsys):
    load = adapters.load
    monkeypatch.setattr(adapters, "load", lambda name, *rest: segmenter if "mini" in name else load(name))
    with pytest.raises(SystemExit) as stop:
        main(["inside", *arguments, "--data", str(data)])
    assert stop.value.code == 2
    assert text in capsys.readouterr().err
