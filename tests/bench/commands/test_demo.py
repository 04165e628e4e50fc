"""`bench demo`."""

from pathlib import Path

import pytest

from bench.miniworld import folders
from bench.miniworld.training import build, segmote
from tests.helpers.command_line import bench


def test_data_prints_the_folder_of_the_phantoms(capsys):
    code, out, _ = bench(capsys, "demo", "data")
    assert code == 0 and Path(out.strip()) == folders.phantom_data()


@pytest.mark.parametrize(
    ("models", "families", "with_segmote"),
    [("all", ["sam", "sam2"], True), ("segmote", [], True), ("sam2", ["sam2"], False)],
)
def test_build_trains_the_families_and_segmote_last(capsys, monkeypatch, tmp_path, models, families, with_segmote):
    asked = []
    monkeypatch.setattr("bench.miniworld.training.families.FAMILIES", {"sam": None, "sam2": None})
    monkeypatch.setattr(build, "build", lambda names, out, **more: asked.append((names, out)))
    monkeypatch.setattr(segmote, "build", lambda out, logs, device: asked.append(("segmote", out)))
    assert bench(capsys, "demo", "build", "--models", models, "--out", tmp_path)[0] == 0
    assert asked == [(families, tmp_path), *[("segmote", tmp_path)] * with_segmote]


def test_look_prints_a_line_for_each_model(capsys):
    code, out, _ = bench(capsys, "demo", "look", "--models", "baseline/box", "--limit", 1)
    assert code == 0 and "baseline/box" in out and "|" in out
