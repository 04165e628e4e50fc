import errno
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
import torch

import adapters
from bench import cli, world
from bench.data import datasets
from bench.miniworld import folders
from bench.predicting import predict
from bench.running import choose
from bench.store.files import read_json
from tests.helpers import fakes
from tests.helpers.runs import score_table

COMMAND = str(Path(sys.executable).with_name("bench"))


@pytest.fixture(autouse=True)
def registered(monkeypatch, tmp_path):
    for name, where in fakes.MODELS.items():
        monkeypatch.setitem(adapters.REGISTRY, name, where)
    monkeypatch.setitem(datasets.REGISTRY, "squares", "tests.helpers.fakes:SQUARES")
    monkeypatch.setattr(fakes.Fake, "encoded", 0)
    monkeypatch.setattr("bench.reporting.report.write_page", lambda run, tables, jobs: None)
    monkeypatch.chdir(tmp_path)
    for name in ("BENCH_DATA", "BENCH_WEIGHTS"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "data").mkdir()
    predict.load.cache_clear()


def bench(capsys, *arguments: str) -> tuple[int, str, str]:
    """Exit code, output and errors of a command."""
    with pytest.raises(SystemExit) as stop:
        cli.main(arguments)
    out, err = capsys.readouterr()
    return stop.value.code, out, err


SQUARES = ("run", "--datasets", "squares", "--data", "data", "--jobs", "1", "--models", "fake/good", "--out", "r")


def one_line(text: str) -> str:
    lines = [line for line in text.splitlines() if line.startswith("bench: ")]
    assert len(lines) == 1 and "Traceback" not in text, text
    return lines[0]


def test_run_prints_the_table_and_says_what_failed(capsys):
    code, out, _ = bench(capsys, *SQUARES)
    assert code == 1  # one case of the set is unreadable
    assert re.search(r"squares +Square +8 +\d", out) and "Run folder: r" in out
    assert "1 failed, 1 skipped" in out and "protocol bench" in out


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
        (("--prompt", "scribble"), "unknown prompt kind 'scribble'"),
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


def test_captions_ask_the_card_whether_a_model_has_weights():
    assert world.text(["baseline/box", "fake/good"], "real") == "Baselines without weights on real data."
    assert choose.choose(["fake/good", "sam/mini"], ["all"], None, None).models[-2:] == ("fake/good", "sam/mini")


def test_full_disk_is_one_line_and_exit_1(capsys, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "replace", full)
    code, _, err = bench(capsys, *SQUARES)
    assert code == 1 and "No space left on device: free some space" in one_line(err)


def test_interruption_is_exit_130_and_resumable(capsys, monkeypatch):
    arguments = [*SQUARES]
    arguments[arguments.index("fake/good")] = "fake/dies"
    code, _, err = bench(capsys, *arguments)
    assert code == 130 and "run the same command again to resume" in one_line(err)
    monkeypatch.setattr(fakes.Fake, "dies_after", 100)
    code, out, _ = bench(capsys, *arguments)
    assert code == 1 and "fake/dies" in out


def test_dry_run_counts_and_writes_nothing(capsys, tmp_path):
    code, out, _ = bench(capsys, *SQUARES, "--dry-run", "--prompt", "box,click")
    assert code == 0 and re.search(r"squares +3 +5 +1", out)
    assert "fake/good: box, click on 5 cases" in out and "baseline/box: box on 5 cases" in out
    assert not (tmp_path / "r").exists()


def test_steps_as_commands(capsys, tmp_path):
    code, out, _ = bench(capsys, *SQUARES, "--predict-only")
    assert code == 0 and "bench score r" in out and not (tmp_path / "r/records.parquet").exists()
    assert bench(capsys, "table", "r")[0] == 2
    assert bench(capsys, "score", "r")[0] == 1
    assert len(pd.read_parquet("r/records.parquet"))
    code, out, _ = bench(capsys, "report", "r")
    assert code == 0 and "dice-box-macro_class.tex" in out


def test_table_in_every_format(capsys):
    bench(capsys, *SQUARES)
    for style, sign in {"console": "---", "csv": "dataset,class", "md": "| data set", "tex": r"\toprule"}.items():
        code, out, _ = bench(capsys, "table", "r", "--format", style)
        assert code == 0 and sign in out
    assert bench(capsys, "table", "r", "--format", "pdf")[0] == 2
    assert "no round 3" in bench(capsys, "table", "r", "--round", "3")[2]
    _, summary, _ = bench(capsys, "table", "r", "--show", "averages", "--aggregation", "volume")
    assert "Square" not in summary and "Average" in summary


def test_verify_writes_and_compares(capsys):
    bench(capsys, *SQUARES)
    assert bench(capsys, "verify", "r", "--against", "ref.json", "--write")[0] == 0
    code, out, _ = bench(capsys, "verify", "r", "--against", "ref.json")
    assert code == 0 and "0 of 12 rows moved by more than 0.005 Dice" in out
    stored = read_json(Path("ref.json"))
    text = Path("ref.json").read_text().replace(str(stored["dice"]["box"]["squares | Bar | baseline/box"]), "0.9")
    Path("ref.json").write_text(text)
    code, out, _ = bench(capsys, "verify", "r", "--against", "ref.json")
    assert code == 1 and "squares | Bar | baseline/box: 0.9000" in out
    assert bench(capsys, "verify", "r", "--against", "absent.json")[0] == 2
    code, _, err = bench(capsys, "verify", "r", "--against", "r/run.json")
    assert code == 2 and "run.json is no reference, it has no dice" in one_line(err)


def test_lists(capsys):
    _, out, _ = bench(capsys, "ls", "models")
    assert re.search(r"sam/vit_h .*641,090,608.*missing", out) and "needs none" in out
    for what, sign in {"datasets": "totalsegmentator-mri", "prompts": "box-jitter", "protocols": "segmote"}.items():
        assert sign in bench(capsys, "ls", what)[1]
    bench(capsys, *SQUARES)
    _, out, _ = bench(capsys, "ls", "runs", ".")
    assert re.search(r"^r +scored", out, re.M)


def test_check_data_lists_what_is_wrong(capsys):
    code, out, _ = bench(capsys, "check", "data", "--data", "data", "--datasets", "squares")
    assert code == 1 and "CRC check failed" in out and "no mask" in out


def test_download_by_hand_and_unknown(capsys):
    code, _, err = bench(capsys, "download", "medsam", "--weights", "w")
    assert code == 1 and "by hand" in one_line(err)
    code, _, err = bench(capsys, "download", "baseline/box")
    assert code == 2 and "needs no download" in one_line(err)


def test_caption_names_weights_data_protocol_and_counts(capsys):
    bench(capsys, *SQUARES)
    caption = score_table(Path("r"), "box").caption
    for part in ("prompt box", "protocol bench", "macro_class", "real data", "undefined", "n:"):
        assert part in caption


def test_the_installed_command_answers():
    done = subprocess.run([sys.executable, "-m", "bench.cli"], capture_output=True, text=True, check=False)
    assert done.returncode == 0
    done = subprocess.run([COMMAND, "--help"], capture_output=True, text=True, check=True)
    assert "run" in done.stdout and "verify" in done.stdout


def test_convert_says_what_the_pickle_names_and_asks(capsys, monkeypatch):
    layer = torch.nn.Linear(2, 2)
    torch.save({"model": layer.state_dict(), "optimizer": torch.optim.Adam(layer.parameters())}, "w.pth")
    monkeypatch.setattr("typer.confirm", lambda text: False)
    code, out, err = bench(capsys, "convert", "w.pth")
    assert code == 2 and "torch.optim.adam.Adam" in out and "confirm" in one_line(err)
    assert not Path("w.safetensors").exists()
    code, out, _ = bench(capsys, "convert", "w.pth", "--yes")
    assert code == 0 and out.endswith("w.safetensors\n") and Path("w.safetensors").exists()


def test_convert_refuses_a_malicious_file_even_with_yes(capsys):
    class Trap:
        def __reduce__(self):
            return os.system, ("touch sprung",)

    torch.save({"model": Trap()}, "w.pth")
    code, out, err = bench(capsys, "convert", "w.pth", "--yes")
    assert code == 2 and "system" in out and "Traceback" not in err
    assert not Path("sprung").exists()


def test_paper_audit_is_printed(capsys):
    code, out, _ = bench(capsys, "paper")
    assert code == 0 and re.search(r"83\.39 +81\.07 .*does not follow", out)


def test_all_data_sets_are_those_found_each_once(capsys, monkeypatch, tmp_path):
    shutil.copytree(folders.phantom_data(), tmp_path / "sets")
    _, out, _ = bench(capsys, "run", "--models", "baseline/box", "--data", "sets", "--dry-run")
    rows = re.findall(r"^(\S+) +\d+ +\d+ +\d+$", out, re.M)
    assert rows == ["isles2022", "segthor", "totalsegmentator-mri", "squares"]
