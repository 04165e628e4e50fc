"""The embedded default as a user runs it: real processes, mini weights, phantoms."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest

from bench.comparing import reference
from tests.helpers.runs import click_table, score_table

pytestmark = pytest.mark.slow
REFERENCE = Path(__file__).parents[3] / "results" / "reference" / "demo-box.json"
COMMAND = str(Path(sys.executable).with_name("bench"))
MODELS = "sam/mini,medsam/mini"


def bench(*arguments: str) -> subprocess.CompletedProcess[str]:
    clean = {name: value for name, value in os.environ.items() if name not in ("BENCH_DATA", "BENCH_WEIGHTS")}
    return subprocess.run([COMMAND, *arguments], capture_output=True, text=True, check=False, env=clean)


def small(out: Path, *more: str) -> tuple[str, ...]:
    """A run of one case per data set."""
    chosen = ("--models", MODELS, "--prompt", "box,clicks", "--clicks", "2", "--limit", "1")
    return ("run", *chosen, "--out", str(out), *more)


def values(run: Path) -> pd.DataFrame:
    return pd.read_parquet(run / "records.parquet").drop(columns=["run", "seconds_encode", "seconds_decode"])


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("runs") / "one"
    done = bench(*small(out, "--jobs", "1"))
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("Mini weights on phantom data")
    return out


def test_two_workers_change_nothing(uninterrupted, tmp_path):
    assert bench(*small(tmp_path / "two", "--jobs", "2")).returncode == 0
    assert (tmp_path / "two/prompts.parquet").read_bytes() == (uninterrupted / "prompts.parquet").read_bytes()
    pd.testing.assert_frame_equal(values(tmp_path / "two"), values(uninterrupted))


def test_killed_run_goes_on_and_ends_the_same(uninterrupted, tmp_path):
    out = tmp_path / "stopped"
    process = subprocess.Popen([COMMAND, *small(out, "--jobs", "1")], stderr=subprocess.PIPE, text=True)
    while not list(out.rglob("predictions/**/*.npz")) and process.poll() is None:
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert not (out / "records.parquet").exists()
    assert bench(*small(out, "--jobs", "1")).returncode == 0
    pd.testing.assert_frame_equal(values(out), values(uninterrupted))
    for name in (path.relative_to(out) for path in out.rglob("*.npz")):
        assert (out / name).read_bytes() == (uninterrupted / name).read_bytes()


def test_captions_say_mini_and_phantom(uninterrupted):
    for name in ("dice-box-macro_class.md", "dice-clicks-by-round.tex"):
        assert "Mini weights on phantom data" in (uninterrupted / "tables" / name).read_text()


def test_run_json_names_what_the_numbers_came_from(uninterrupted):
    facts = json.loads((uninterrupted / "run.json").read_text())
    assert len(facts["prompts_sha256"]) == len(facts["models"]["sam/mini"]["weights_sha256"]) == 64
    assert facts["versions"]["torch"] and facts["config"]["world"] == "phantom"
    reason = "not trained on clicks prompts"
    assert {"model": "medsam/mini", "prompt": "clicks", "reason": reason} in facts["not_applicable"]


@pytest.fixture(scope="module")
def demo(tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("runs") / "demo"
    done = bench("run", "--models", "all", "--prompt", "box", "--out", str(out))
    assert done.returncode == 0, done.stderr
    return out


def test_demo_equals_its_reference(demo):
    assert reference.verify(demo, REFERENCE) == []


@pytest.mark.parametrize("family", ["sam", "medsam", "huang", "sam-med2d", "imis"])
def test_minis_beat_the_ellipse_on_average(demo, family):
    table = score_table(demo, "box").summary()
    columns = [table.models.index(name) for name in (f"{family}/mini", "baseline/ellipse")]
    mini, ellipse = (sum(line.cells[column].value for line in table.lines) for column in columns)
    assert mini > ellipse


def test_minis_improve_with_clicks(tmp_path):
    chosen = ("--models", "sam/mini,sam2/mini", "--prompt", "clicks", "--limit", "2")
    done = bench("run", *chosen, "--out", str(tmp_path / "clicks"))
    assert done.returncode == 0, done.stderr
    curve = click_table(tmp_path / "clicks", "clicks")
    # On ISLES SAM's loses again after the third click: results/reference/mini/README.md.
    for name, last in (("sam/mini", 3), ("sam2/mini", 5)):
        column = curve.models.index(name)
        groups = {line.group for line in curve.lines}
        rounds = {group: [line.cells[column].value for line in curve.lines if line.group == group] for group in groups}
        assert all(dice[last - 1] > dice[0] for dice in rounds.values()), (name, rounds)
        assert sum(dice[4] - dice[0] for dice in rounds.values()) > 0, (name, rounds)
