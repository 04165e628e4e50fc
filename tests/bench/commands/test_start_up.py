"""What a command loads before it does anything, each in a process of its own."""

import json
import subprocess
import sys

import pytest

from tests.helpers.scored import write_scored

ASK = """
import contextlib, io, json, resource, sys
from bench.cli import main
try:
    with contextlib.redirect_stdout(io.StringIO()):
        main(sys.argv[1:])
except SystemExit as stop:
    code = stop.code
used = resource.getrusage(resource.RUSAGE_SELF)
loaded = [name for name in ("torch", "adapters", "pandas") if name in sys.modules]
print(json.dumps({"code": code, "loaded": loaded, "seconds": used.ru_utime + used.ru_stime}))
"""


def asked(*arguments):
    done = subprocess.run([sys.executable, "-c", ASK, *arguments], capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return str(write_scored(tmp_path_factory.mktemp("runs") / "r", names=("segthor",), patients=3))


@pytest.mark.parametrize("arguments", [("--help",), ("run", "--help"), ("train", "segmote", "--help")])
def test_help_loads_nothing_and_is_there_at_once(arguments):
    found = asked(*arguments)
    assert found["code"] == 0 and found["loaded"] == [] and found["seconds"] < 1.5  # 0.3 on an idle machine


@pytest.mark.parametrize("what", ["datasets", "prompts", "protocols", "runs"])
def test_lists_need_neither_torch_nor_adapters(what):
    found = asked("ls", what)
    assert found["code"] == 0 and not {"torch", "adapters"} & set(found["loaded"])


@pytest.mark.parametrize("what", ["models", "ledger"])
def test_lists_of_models_read_cards_without_torch(what):
    found = asked("ls", what)
    assert found["code"] == 0 and "torch" not in found["loaded"]


@pytest.mark.parametrize("show", ["scores", "comparison", "prompts", "ledger"])
def test_tables_need_neither_torch_nor_adapters(run, show):
    found = asked("table", run, "--show", show)
    assert found["code"] == 0 and not {"torch", "adapters"} & set(found["loaded"])


def test_comparing_needs_neither_torch_nor_adapters(run):
    found = asked("compare", run, run)
    assert found["code"] == 0 and not {"torch", "adapters"} & set(found["loaded"])
