"""`bench train segmote` as a user runs it, with the mini network."""

import json
from pathlib import Path

import numpy as np
import pytest
from safetensors import safe_open

import adapters
from adapters.interface import Prompt
from bench.cli import main
from tests.helpers.training_world import SERVED, write_set

QUICK = ("--set", "epochs=1", "--set", "batch=2", "--set", f"ppt_sets={SERVED.upper()}")


def bench(*arguments: object) -> int:
    with pytest.raises(SystemExit) as stopped:
        main([str(argument) for argument in arguments])
    return int(stopped.value.code or 0)


def test_trained_weights_load_into_the_adapter(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_set(tmp_path / "data" / SERVED, 2)
    options = ("--size", "mini", *QUICK, "--device", "cpu")
    command = ("train", "segmote", "--data", tmp_path / "data", "--out", tmp_path / "out", *options)
    assert bench(*command) == 0
    shown = capsys.readouterr().out
    assert "auto" in shown and SERVED in shown
    weights = tmp_path / "out" / "weights.safetensors"
    with safe_open(weights, "pt") as file:
        assert json.loads(file.metadata()["training"])["config"]["recipe"]["epochs"] == 1
    segmenter = adapters.load("segmote/mini", weights=weights)
    (encoded,) = segmenter.encode([np.zeros((40, 56, 3), np.uint8)])
    prompts = [Prompt(box=np.array([3, 3, 20, 20], np.float32)), Prompt(text="liver"), Prompt()]
    for prompt in prompts:
        (drawn,) = segmenter.decode([(encoded, prompt)])
        assert drawn.mask.shape == (40, 56)


def test_sam_as_the_base(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_set(tmp_path / "data" / SERVED, 2)
    options = ("--size", "mini", "--base-family", "sam", *QUICK)
    command = ("train", "segmote", "--data", tmp_path / "data", "--out", tmp_path / "out", *options, "--device", "cpu")
    assert bench(*command) == 0
    assert "the weights take no text, so PPT learns from mask priors alone" in capsys.readouterr().out
    with safe_open(tmp_path / "out" / "weights.safetensors", "pt") as file:
        config = json.loads(file.metadata()["training"])["config"]
    assert config["base"] == "sam" and config["recipe"]["loss"] == "dice"
    assert bench(*command, "--no-resume", "--recipe", "released") == 2
    assert "uses text prompts, but" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ((), "no data set of the IMIS layout"),
        (("--set", "devices=3"), "devices must divide the batch of 10 images, got 3"),
        (("--set", "top_k=5"), "top_k must lie in 1..4"),
        (("--base", "none.pth"), "none.pth"),
    ],
)
def test_bad_settings_are_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], options: tuple[object, ...], text: str
) -> None:
    command = ("train", "segmote", "--data", tmp_path, "--out", tmp_path / "out", "--size", "mini", "--device", "cpu")
    assert bench(*command, *options) == 2
    (line,) = capsys.readouterr().err.strip().splitlines()[-1:]
    assert text in line and line.startswith("bench: ")
