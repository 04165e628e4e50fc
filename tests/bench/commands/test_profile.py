"""`bench profile`."""

import pytest

from bench import cli
from bench.running import run
from tests.helpers.fakes import config

pytestmark = pytest.mark.usefixtures("registered", "without_figures")


def test_steps_and_models_are_printed(tmp_path, capsys):
    run.run(config(tmp_path / "r"))
    with pytest.raises(SystemExit) as stop:
        cli.main(["profile", str(tmp_path / "r")])
    shown = capsys.readouterr().out
    assert stop.value.code == 0
    steps = [line.split()[:2] for line in shown.split("\n\n")[0].splitlines()[2:]]
    assert ["predict", "encode"] in steps and ["score", "score"] in steps and ["report", "report"] in steps
    assert [line.split()[0] for line in shown.split("\n\n")[1].splitlines()[2:]] == ["baseline/box", "fake/good"]


def test_what_is_no_run_is_refused(tmp_path, capsys):
    with pytest.raises(SystemExit) as stop:
        cli.main(["profile", str(tmp_path)])
    assert stop.value.code == 2 and "is not a run folder" in capsys.readouterr().err
