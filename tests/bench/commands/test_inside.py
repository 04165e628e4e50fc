"""`bench inside` on a small folder."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import adapters
from bench.cli import main


@pytest.mark.parametrize("command", ["experts", "routing", "embeddings"])
def test_command_writes_picture_and_numbers(two_data_sets, tmp_path, command, segmenter, monkeypatch, capsys):
    monkeypatch.setattr(adapters, "load", lambda *_: segmenter)
    with pytest.raises(SystemExit) as stop:
        main(["inside", command, "--data", str(two_data_sets), "--out", str(tmp_path)])
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
def test_what_cannot_be_looked_at_is_said_in_a_line(two_data_sets, arguments, text, segmenter, monkeypatch, capsys):
    load = adapters.load
    monkeypatch.setattr(adapters, "load", lambda name, *rest: segmenter if "mini" in name else load(name))
    with pytest.raises(SystemExit) as stop:
        main(["inside", *arguments, "--data", str(two_data_sets)])
    assert stop.value.code == 2
    assert text in capsys.readouterr().err
