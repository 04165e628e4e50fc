from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from bench.comparing.runs import changes, compare
from bench.data.fingerprint import Fingerprint
from bench.errors import RunError
from bench.store.run_folder import write_run
from tests.helpers.compared import SUMS, described, write


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


def test_runs_on_other_releases_are_refused_and_other_labels_of_one_are_a_change(tmp_path):
    one, other = write(tmp_path / "a", 0.0), write(tmp_path / "b", 0.0)
    two = Fingerprint("v2", "616 subjects", "c", "f", "l")
    three = replace(two, release="v3", labels_sha256="m")
    write_run(replace(described(out=one), data={"segthor": two}))
    write_run(replace(described(out=other), data={"segthor": three}))
    with pytest.raises(RunError, match=r"a has segthor v2 and .*b has segthor v3: .* cannot be compared"):
        compare(one, other)
    write_run(replace(described(out=other), data={"segthor": replace(three, release="v2")}))
    found = compare(one, other)
    assert [(change.what, change.first, change.second) for change in found.changes] == [
        ("segthor labels_sha256", "l", "m")
    ]
