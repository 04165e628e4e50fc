"""The package of `examples/own_model`: found by its class and by its entry point, checked, and run."""

import subprocess
import sys
from pathlib import Path

import pytest

import adapters
from bench import world
from bench.data import datasets
from bench.store.records import read_records
from bench.store.run_folder import read_run
from tests.helpers.command_line import bench, one_line

EXAMPLE = Path(__file__).parents[1] / "examples" / "own_model"
BY_CLASS = "darker_than_mean:DarkerThanMean"


@pytest.fixture
def importable(monkeypatch):
    """The example can be imported, as after an installation, but has no entry points."""
    monkeypatch.syspath_prepend(str(EXAMPLE))


@pytest.fixture
def installed(importable, monkeypatch, tmp_path):
    """A function that installs entry points of a package, each as "group: name = value"."""

    def install(*lines):
        info = tmp_path / "site" / "own-1.0.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: own\nVersion: 1.0\n")
        groups = (line.partition(": ")[::2] for line in lines)
        text = "\n".join(f"[segmote_bench.{group}]\n{point}" for group, point in groups)
        (info / "entry_points.txt").write_text(text)
        monkeypatch.syspath_prepend(str(tmp_path / "site"))

    return install


@pytest.mark.parametrize("name", [BY_CLASS, f"{BY_CLASS}/mean"])
def test_a_class_names_its_model(importable, name):
    assert adapters.full_name(name) == f"{BY_CLASS}/mean"
    assert adapters.card(name).title == "Darker than the mean"
    assert adapters.load(name).card.name == "darker/mean"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("no_such_package:Model", "no_such_package:Model cannot be imported"),
        ("darker_than_mean:Brighter", "cannot be imported"),
        (f"{BY_CLASS}/other", "name one of them"),
        ("json:JSONDecoder", "hold nothing"),
    ],
)
def test_a_class_that_is_no_family_is_named(importable, name, text):
    with pytest.raises(ValueError, match=text):
        adapters.full_name(name)


def test_entry_points_add_models_and_data_sets(installed, capsys):
    installed(
        "models: darker/mean = darker_than_mean:DarkerThanMean", "datasets: own-set = tests.helpers.fakes:SQUARES"
    )
    assert adapters.load("darker/mean").card.name == "darker/mean"
    assert datasets.load("own-set").title == "Squares" and datasets.names()[-1] == "own-set"
    code, out, _ = bench(capsys, "ls", "models")
    assert code == 0 and "darker/mean" in out
    code, out, _ = bench(capsys, "ls", "datasets")
    assert code == 0 and "own-set" in out


def test_an_entry_point_takes_no_name_of_ours(installed):
    installed("models: sam/vit_b = darker_than_mean:DarkerThanMean", "datasets: segthor = tests.helpers.fakes:SQUARES")
    with pytest.raises(ValueError, match="has the name of a model of this package"):
        adapters.load("darker/mean")
    with pytest.raises(ValueError, match="has the name of a data set of this package"):
        datasets.names()


def test_captions_tell_models_of_other_packages(importable):
    text = world.text(("baseline/box", BY_CLASS, "masks/x"), "real")
    assert text.startswith(f"Baselines without weights on real data. Models of other packages: {BY_CLASS}.")


def test_the_example_keeps_the_contract(importable, capsys):
    code, out, _ = bench(capsys, "check", "model", BY_CLASS, "--device", "cpu")
    assert code == 0 and "shapes and types" in out and "no " not in out


@pytest.mark.slow
def test_the_example_runs_beside_the_baselines_in_a_process_of_its_own(tmp_path):
    arguments = ["run", "--models", BY_CLASS, "--datasets", "isles2022", "--limit", "1", "--jobs", "1"]
    code = f"from bench.cli import main; main({[*arguments, '--out', str(tmp_path / 'r'), '--device', 'cpu']!r})"
    path = f"{EXAMPLE}:{Path(__file__).parents[1]}"
    done = subprocess.run(
        [sys.executable, "-c", code], env={"PYTHONPATH": path, "PATH": "", "HOME": str(tmp_path)}, capture_output=True,
        text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    records = read_records(tmp_path / "r")
    assert f"{BY_CLASS}/mean" in set(records["model"])
    assert read_run(tmp_path / "r").models[f"{BY_CLASS}/mean"].title == "Darker than the mean"


def test_an_unknown_model_is_one_line(importable, capsys):
    code, _, err = bench(capsys, "check", "model", "darker_than_mean:Brighter")
    assert code == 2 and "cannot be imported" in one_line(err)
