"""`bench run --config FILE`: a study from a file, up to the run that it settles to."""

import json
import re
from pathlib import Path

import pytest

from bench import cli
from bench.commands import run as run_module
from bench.commands.run import RunOptions
from bench.commands.study_file import settings
from bench.config import FREE, SETTINGS
from bench.errors import RunError

EXAMPLE = Path(__file__).parents[3] / "examples" / "study.toml"


@pytest.fixture
def settled(monkeypatch, capsys, tmp_path):
    """The configuration that a command line settles to; nothing is read or run."""
    for name in ("BENCH_DATA", "BENCH_WEIGHTS"):
        monkeypatch.delenv(name, raising=False)
    found = []
    original = run_module.settled
    monkeypatch.setattr(run_module, "settled", lambda options: found.append(original(options)) or found[-1])
    monkeypatch.setattr("bench.commands.plan.plan", lambda config: "")

    def run(*arguments):
        with pytest.raises(SystemExit) as stop:
            cli.main(["run", "--dry-run", *map(str, arguments)])
        assert stop.value.code == 0, capsys.readouterr().err
        return found.pop()[0]

    return run


def write(path, text):
    path.write_text(text)
    return path


def test_every_setting_of_a_run_has_an_option_of_its_name():
    options = set(RunOptions.__dataclass_fields__)
    assert set(SETTINGS) - options == {"world", "masks"}  # --models names the masks
    assert set(FREE) - options == {"fewer_jobs"}  # follows from --jobs


def test_the_example_is_a_study_of_phantoms(settled):
    config = settled("--config", EXAMPLE)
    assert config.models[3:] == ("sam/mini", "medsam/mini", "sam-med2d/mini") and config.world == "phantom"
    assert config.datasets == ("isles2022", "segthor") and config.prompts == ("box", "clicks")
    assert (config.clicks, config.limit, config.protocol, config.seed) == (3, 2, "bench", 0)


def test_the_command_line_wins_over_the_file(settled, tmp_path):
    study = write(tmp_path / "s.toml", 'seed = 3\nlimit = 2\nuntrained_prompts = true\nmodels = ["sam/mini"]')
    config = settled("--config", study, "--seed", 4, "--models", "medsam/mini")
    assert (config.seed, config.limit, config.untrained_prompts) == (4, 2, True)
    assert config.models[3:] == ("medsam/mini",)


def test_the_run_json_of_a_run_settles_to_the_same_run(settled, tmp_path):
    ours = settled("--prompt", "box,click", "--limit", 3, "--models", "sam/mini", "--seed", 7)
    (tmp_path / "run.json").write_text(json.dumps({"config": ours.identity()}))
    again = settled("--config", tmp_path / "run.json", "--jobs", ours.jobs)
    assert again.identity() == ours.identity() and again.out == ours.out


def test_a_study_of_phantoms_stays_one_where_the_environment_names_data(settled, monkeypatch, tmp_path):
    ours = settled("--models", "sam/mini")
    (tmp_path / "run.json").write_text(json.dumps({"config": ours.identity() | {"data": "/another/machine"}}))
    monkeypatch.setenv("BENCH_DATA", str(tmp_path))
    assert settled("--config", tmp_path / "run.json").data == ours.data


def test_a_study_of_real_data_finds_them_where_they_are_here(monkeypatch, capsys, tmp_path):
    monkeypatch.delenv("BENCH_DATA", raising=False)
    study = write(tmp_path / "s.toml", 'world = "real"\nmodels = ["sam/mini"]\ndatasets = ["folder"]')
    for more, text in {(): "give --data or set BENCH_DATA", ("--data", "nowhere"): "nowhere does not exist"}.items():
        with pytest.raises(SystemExit) as stop:
            cli.main(["run", "--dry-run", "--config", str(study), *more])
        assert stop.value.code == 2 and text in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "content", "text"),
    [
        ("s.toml", "modles = ['sam/mini']", "no setting 'modles'; did you mean models?"),
        ("s.toml", "jobs = 2", "no setting 'jobs'; there are models, datasets"),
        ("s.toml", "world = 'mars'", 'world must be "real" or "phantom", got \'mars\''),
        ("s.toml", "seed = [1, 2]", "seed must be a value or a list of names"),
        ("s.toml", "seed = [", "is not valid TOML"),
        ("run.json", "{", "is not valid JSON"),
        ("run.json", '{"name": "another tool"}', "does not describe a run"),
        ("run.json", "[]", "does not describe a run"),
    ],
)
def test_a_wrong_file_is_refused_by_name(tmp_path, name, content, text):
    path = write(tmp_path / name, content)
    with pytest.raises(RunError, match=re.escape(text)) as caught:
        settings(path)
    assert str(path) in str(caught.value)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(RunError, match=r"cannot read .*none\.toml: No such file"):
        settings(tmp_path / "none.toml")


@pytest.mark.parametrize(
    ("content", "option"),
    [("clicks = 'many'", "--clicks"), ("clicks = 1.5", "--clicks"), ("limit = 0", "--limit"), ("seed = true", "--seed"),
     ("precision = 'fp8'", "--precision"), ("untrained_prompts = 'maybe'", "--untrained-prompts")],
)  # fmt: skip
def test_a_value_of_another_type_is_a_usage_error_of_its_option(capsys, tmp_path, content, option):
    with pytest.raises(SystemExit) as stop:
        cli.main(["run", "--dry-run", "--config", str(write(tmp_path / "s.toml", content))])
    assert stop.value.code == 2 and f"Invalid value for '{option}'" in capsys.readouterr().err
