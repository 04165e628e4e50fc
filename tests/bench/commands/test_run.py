"""`bench run`: what it prints, what it refuses, and how it ends."""

import re
from pathlib import Path

import pytest

from bench.data import datasets
from bench.store.files import read_json
from tests.helpers.command_line import SQUARES, bench, one_line
from tests.helpers.runs import score_table

pytestmark = pytest.mark.usefixtures("working_folder")


def test_run_prints_the_table_and_says_what_failed(capsys):
    code, out, _ = bench(capsys, *SQUARES)
    assert code == 1  # one case of the set is unreadable
    assert re.search(r"squares +Square +8 +\d", out) and "Run folder: r" in out
    assert "1 failed, 1 skipped" in out and "protocol bench" in out


@pytest.mark.parametrize(("stop", "models"), [((), "fake/good "), (("--predict-only",), "is known once it is scored")])
def test_a_run_prints_its_own_profile_at_the_end(capsys, stop, models):
    _, plain, _ = bench(capsys, *SQUARES, *stop)
    _, out, _ = bench(capsys, *SQUARES, *stop, "--profile", "--no-resume")
    assert "MFU" not in plain
    assert re.search(rf"(Run folder|Predictions): r.*\npredict +encode +\d.*{models}", out, re.DOTALL)


def test_baselines_stand_in_every_table(capsys):
    bench(capsys, *SQUARES)
    models = read_json(Path("r/run.json"))["config"]["models"]
    assert models == ["baseline/box", "baseline/ellipse", "baseline/otsu", "fake/good"]


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (("--models", "smm/vit_b"), "unknown model 'smm/vit_b'"),
        (("--models", "sam/vit_b"), "no weights at .*sam_vit_b_01ec64.pth.*bench download sam/vit_b"),
        (("--datasets", "lung"), "no data set 'lung'"),
        (("--datasets", "segthor"), "no segthor below .*expected"),
        (("--data", "nowhere"), "nowhere does not exist.*--data"),
        (("--prompt", "scrawl"), "unknown prompt kind 'scrawl'"),
        (("--protocol", "mine"), "unknown protocol 'mine'"),
        (("--device", "tpu"), "'tpu' is not available"),
        (("--models", "sam/mini,sam/vit_b"), "never stand in one table"),
        (("--datasets", "all"), "no known data set below"),
        (("--jobs", "0"), "--jobs"),
        (("--frobnicate",), "frobnicate"),
    ],
)
def test_wrong_usage_is_one_line_and_exit_2(capsys, monkeypatch, arguments, text):
    monkeypatch.setenv("BENCH_WEIGHTS", "weights")
    if arguments == ("--datasets", "all"):
        monkeypatch.delitem(datasets.REGISTRY, "squares")
    code, _, err = bench(capsys, *SQUARES, *arguments)
    assert code == 2
    assert re.search(text, one_line(err))


def test_all_on_real_data_needs_weights(capsys, monkeypatch):
    monkeypatch.setenv("BENCH_WEIGHTS", "weights")
    code, _, err = bench(capsys, *SQUARES, "--models", "all")
    assert code == 2 and re.search("no official weights in .*bench download.*only when named", one_line(err))


@pytest.mark.parametrize("command", [("run", "--out", "r"), ("score", "r"), ("table", "r"), ("report", "r")])
def test_a_foreign_run_json_is_one_line(capsys, command):
    Path("r").mkdir()
    Path("r/run.json").write_text('{"name": "another tool"}')
    arguments = (*SQUARES, *command[1:]) if command[0] == "run" else command
    code, _, err = bench(capsys, *arguments)
    assert code == 2 and "run.json does not describe a run" in one_line(err)
    assert bench(capsys, "ls", "runs", ".")[0] == 0


def test_a_prompt_named_twice_is_asked_once(capsys):
    bench(capsys, *SQUARES, "--prompt", "box,box")
    assert read_json(Path("r/run.json"))["finished"]["score"]
    assert read_json(Path("r/run.json"))["config"]["prompts"] == ["box"]


def test_caption_names_weights_data_protocol_and_counts(capsys):
    bench(capsys, *SQUARES)
    caption = score_table(Path("r"), "box").caption
    for part in ("prompt box", "protocol bench", "macro_class", "real data", "undefined", "n:"):
        assert part in caption
