"""`bench curate` as a user runs it, and `bench train segmote` on what it leaves."""

import json
from pathlib import Path

import pandas as pd
import pytest

from tests.helpers import curation
from tests.helpers.command_line import bench, one_line


@pytest.mark.slow
def test_a_curated_set_can_be_trained_on(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    curation.source(tmp_path / "data")
    made = tmp_path / "set"
    options = ("--masks", "12", "--set", "least_score=-2", "--seed", "3")
    code, out, err = bench(capsys, "curate", "--data", tmp_path / "data", "--out", made, *options)
    assert code == 1, err  # one picture is cut off
    assert [word for line in out.splitlines() if line.startswith("folder") for word in line.split()][1:3] == [
        "48",
        "12",
    ]
    assert "data-sheet.html" in out
    rules = json.loads((made / "curation.json").read_text())["rules"]
    assert (rules["masks"], rules["least_score"], rules["seed"]) == (12, -2.0, 3)
    assert len(pd.read_parquet(made / "manifest.parquet")) == 12

    quick = ("--size", "mini", "--device", "cpu", "--set", "epochs=1", "--set", "batch=2")
    code, out, err = bench(capsys, "train", "segmote", "--data", made, "--out", tmp_path / "weights", *quick)
    assert code == 0, err
    assert "folder" in out
    assert list((tmp_path / "weights").glob("*.safetensors"))


def test_wrong_rules_are_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    curation.add(tmp_path / "data", "P1_1", *curation.picture(1))
    start = ("curate", "--data", tmp_path / "data", "--out", tmp_path / "set")
    code, _, err = bench(capsys, *start, "--set", "held_out=2")
    assert (code, "cannot be held out" in one_line(err)) == (2, True)
    code, _, err = bench(capsys, *start, "--set", "seed=2")
    assert (code, "--seed" in one_line(err)) == (2, True)
