"""`bench demo`."""

from pathlib import Path

import pytest

from bench.miniworld import folders
from bench.miniworld.training import build, memory, segmote
from tests.helpers.command_line import bench


def test_data_prints_the_folder_of_the_phantoms(capsys):
    code, out, _ = bench(capsys, "demo", "data")
    assert code == 0 and Path(out.strip()) == folders.phantom_data()


@pytest.mark.parametrize(
    ("models", "families", "then"),
    [
        ("all", ["sam", "sam2"], ["sam2-memory", "segmote"]),
        ("segmote", [], ["segmote"]),
        ("sam2", ["sam2"], ["sam2-memory"]),
        ("sam2-memory", [], ["sam2-memory"]),
        ("sam", ["sam"], []),
    ],
)
def test_build_trains_the_families_then_memory_and_segmote(capsys, monkeypatch, tmp_path, models, families, then):
    asked = []
    monkeypatch.setattr("bench.miniworld.training.families.FAMILIES", {"sam": None, "sam2": None})
    monkeypatch.setattr(build, "build", lambda names, out, **more: asked.append((names, out)))
    monkeypatch.setattr(segmote, "build", lambda out, logs, device: asked.append(("segmote", out)))
    monkeypatch.setattr(memory, "build", lambda out, logs, device: asked.append(("sam2-memory", out)))
    assert bench(capsys, "demo", "build", "--models", models, "--out", tmp_path)[0] == 0
    assert asked == [(families, tmp_path), *((name, tmp_path) for name in then)]


def test_look_prints_a_line_for_each_model(capsys):
    code, out, _ = bench(capsys, "demo", "look", "--models", "baseline/box", "--limit", 1)
    assert code == 0 and "baseline/box" in out and "|" in out
