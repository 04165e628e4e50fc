"""What a command loads before it does anything, each in a process of its own."""

import json
import subprocess
import sys

import pytest

from tests.helpers.scored import write_scored

MODELS = {"adapters", "torch"}
NO_TABLE_NEEDS = MODELS | {
    "highdicom", "joblib", "matplotlib", "networkx", "nibabel", "pydicom", "requests", "scipy.ndimage", "scipy.stats",
    "sklearn", "tqdm",
}  # fmt: skip
NO_HELP_NEEDS = NO_TABLE_NEEDS | {"numpy", "pandas", "PIL", "pyarrow", "scipy", "tabulate"}

# Neither requests nor tqdm: nibabel loads pydicom where that is installed, and pydicom loads both.
NO_FINISHED_RUN_NEEDS = {"matplotlib", "scipy.ndimage", "scipy.stats", "sklearn", "torch"}

ASK = """
import contextlib, io, json, sys
from bench.cli import main
try:
    with contextlib.redirect_stdout(io.StringIO()):
        main(sys.argv[1:])
except SystemExit as stop:
    code = stop.code
print(json.dumps({"code": code, "loaded": sorted(sys.modules)}))
"""


def asked(*arguments):
    done = subprocess.run([sys.executable, "-c", ASK, *arguments], capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return str(write_scored(tmp_path_factory.mktemp("runs") / "r", names=("segthor",), patients=3))


@pytest.mark.parametrize("arguments", [("--help",), ("run", "--help"), ("train", "segmote", "--help")])
def test_help_loads_nothing(arguments):
    found = asked(*arguments)
    assert found["code"] == 0 and not NO_HELP_NEEDS & set(found["loaded"])


@pytest.mark.parametrize("what", ["datasets", "prompts", "protocols", "runs"])
def test_lists_need_neither_torch_nor_adapters(what):
    found = asked("ls", what)
    assert found["code"] == 0 and not MODELS & set(found["loaded"])


@pytest.mark.parametrize("what", ["models", "ledger"])
def test_lists_of_models_read_cards_without_torch(what):
    found = asked("ls", what)
    assert found["code"] == 0 and "torch" not in found["loaded"]


def test_the_list_of_models_needs_no_tables_either():
    assert not {"matplotlib", "nibabel", "pandas", "scipy"} & set(asked("ls", "models")["loaded"])


@pytest.mark.parametrize("show", ["scores", "averages", "prompts", "ledger"])
def test_tables_load_what_they_need_and_no_more(run, show):
    found = asked("table", run, "--show", show)
    assert found["code"] == 0 and not NO_TABLE_NEEDS & set(found["loaded"])


@pytest.mark.slow
def test_a_finished_run_given_again_loads_no_models(tmp_path):
    words = ("run", "--models", "baseline/box", "--datasets", "segthor", "--limit", "1", "--jobs", "1")
    first, again = (asked(*words, "--out", str(tmp_path / "run")) for _ in range(2))
    assert first["code"] == again["code"] == 0
    assert not NO_FINISHED_RUN_NEEDS & set(again["loaded"])


def test_comparisons_need_neither_torch_nor_adapters(run):
    for arguments in (("table", run, "--show", "comparison"), ("compare", run, run)):
        found = asked(*arguments)
        assert found["code"] == 0 and not MODELS & set(found["loaded"])
