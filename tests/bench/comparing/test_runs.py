from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from bench import cli
from bench.comparing.runs import changes, compare
from bench.errors import RunError
from bench.store.run_folder import records_path, write_run, write_table
from tests.helpers.records import records
from tests.helpers.runs import facts

CHOSEN = {"models": ("sam/mini", "huang/mini"), "datasets": ("segthor",)}
SUMS = {"sam/mini": "aa", "huang/mini": "bb", "medsam/mini": "dd", "imis/mini": "ee"}


def described(sums=SUMS, versions=(("torch", "2.6"), ("numpy", "2.0")), digest="f" * 64, **chosen):
    """Facts of a run with these checksums of its weights, these versions and this checksum of its prompts."""
    found = facts(**(CHOSEN | chosen))
    models = {name: replace(model, weights_sha256=sums[name]) for name, model in found.models.items()}
    return replace(found, models=models, versions=dict(versions), prompts_sha256=digest)


def write(folder, gain, **chosen):
    """A scored run of ten patients: sam/mini gains `gain` on every one, huang/mini stays."""
    rows = [
        {"model": model, "dataset": "segthor", "target": target, "patient": f"p{i}", "case": f"p{i}", "value": value}
        for i in range(10)
        for target in ("heart", "aorta")
        for model, value in (("sam/mini", 0.5 + i / 100 + gain), ("huang/mini", 0.6 + i / 100))
    ]
    folder.mkdir()
    write_table(records(*rows), records_path(folder))
    write_run(described(**chosen, out=folder))
    return folder


def test_gains_are_paired_by_patient_and_adjusted_together(tmp_path):
    found = compare(write(tmp_path / "a", 0.0), write(tmp_path / "b", 0.02))
    frame = found.frame.set_index("model")
    assert frame["delta"]["sam/mini"] == pytest.approx(0.02) and frame["delta"]["huang/mini"] == 0
    assert frame["low"]["sam/mini"] == pytest.approx(0.02) and frame["high"]["sam/mini"] == pytest.approx(0.02)
    assert frame["p"]["sam/mini"] == pytest.approx(2 / 2**10) and frame["p_holm"]["sam/mini"] == pytest.approx(
        4 / 2**10
    )
    assert frame["wins"].to_dict() == {"sam/mini": 1, "huang/mini": 0} and frame["ties"]["huang/mini"] == 1
    assert (frame["patients"] == 10).all() and not found.changes and not found.only_a


def test_the_interval_covers_a_difference_between_patients(tmp_path):
    one, other = write(tmp_path / "a", 0.0), write(tmp_path / "b", 0.0)
    moved = pd.read_parquet(other / "records.parquet")
    noise = np.repeat(np.random.default_rng(0).normal(0.05, 0.05, 10), 4)
    moved.assign(value=moved["value"] + noise).to_parquet(other / "records.parquet")
    row = compare(one, other).frame.iloc[0]
    assert row["low"] < row["delta"] < row["high"] and row["delta"] == pytest.approx(noise.mean())


def test_what_changed_is_named(tmp_path):
    other = {"precision": "bf16", "data": Path("/other"), "models": ("sam/mini", "medsam/mini")}
    found = changes(described(), described(SUMS | {"sam/mini": "cc"}, (("torch", "2.7"), ("numpy", "2.0")), **other))
    assert [change.what for change in found] == ["precision", "version of torch", "weights of sam/mini"]
    assert (found[0].first, found[0].second) == ("fp32", "bf16")


@pytest.mark.parametrize(("same", "text"), [({"seed": 1}, "other seed"), ({}, "other data")])
def test_other_prompts_are_refused(tmp_path, same, text):
    one = write(tmp_path / "a", 0.0)
    other = write(tmp_path / "b", 0.0, digest="e" * 64, **same)
    with pytest.raises(RunError, match=f"ffffffff and eeeeeeee; {text}"):
        compare(one, other)


def test_no_common_model_and_unknown_names_are_refused(tmp_path):
    one = write(tmp_path / "a", 0.0)
    other = write(tmp_path / "b", 0.0, models=("imis/mini",))
    with pytest.raises(RunError, match=r"no model in common.*imis/mini"):
        compare(one, other)
    with pytest.raises(RunError, match=r"has no hd95; it has dice"):
        compare(one, one, "hd95")
    with pytest.raises(ValueError, match="unknown metric 'dicee'"):
        compare(one, one, "dicee")
    with pytest.raises(RunError, match="unknown aggregation 'sum'"):
        compare(one, one, aggregation="sum")


def test_the_command_prints_a_table_and_writes_a_file(tmp_path, capsys):
    one = write(tmp_path / "a", 0.0)
    other = write(tmp_path / "b", 0.02, precision="bf16", models=("sam/mini",))
    with pytest.raises(SystemExit) as stop:
        cli.main(["compare", str(one), str(other), "--out", str(tmp_path / "d.csv")])
    text = capsys.readouterr().out
    assert stop.value.code == 0 and "+2.00" in text and "[+2.00, +2.00]" in text
    assert "precision" in text and "bf16" in text and "Only in A, not compared: huang/mini" in text
    assert pd.read_csv(tmp_path / "d.csv")["delta"].tolist() == pytest.approx([0.02])


def test_the_command_refuses_in_one_line(tmp_path, capsys):
    one = write(tmp_path / "a", 0.0)
    other = write(tmp_path / "b", 0.0, digest="e" * 64)
    with pytest.raises(SystemExit) as stop:
        cli.main(["compare", str(one), str(other)])
    error = capsys.readouterr().err
    assert stop.value.code == 2 and error.count("\n") == 1 and "different prompts" in error
