import importlib
from dataclasses import replace

import pandas as pd
import pytest

from bench.data import datasets
from bench.errors import RunError
from bench.predicting import by_slice
from bench.reporting import report
from bench.reporting.tables.formats import to_console
from bench.running import describe, resume, run
from bench.store.files import read_json, write_bytes
from bench.store.masks import MaskShard
from bench.store.records import read_records
from bench.store.run_folder import LOCK, SLICES, candidates_path, page_path, predictions_path, read_failures
from tests.helpers import fakes
from tests.helpers.fakes import config
from tests.helpers.run_folders import assert_same, files

pytestmark = pytest.mark.usefixtures("registered", "without_figures")


def test_interrupted_run_goes_on_and_ends_the_same(tmp_path, monkeypatch):
    chosen = {"models": ("fake/dies",), "prompts": ("clicks",)}
    monkeypatch.setitem(by_slice.SLICES_AT_ONCE, "cpu", 3)  # a batch per case
    with pytest.raises(KeyboardInterrupt):
        run.run(config(tmp_path / "a", **chosen))
    done = list((tmp_path / "a" / "predictions").rglob("*.npz"))
    assert len(done) == 1
    before = done[0].stat().st_mtime_ns
    monkeypatch.setattr(fakes.Fake, "dies_after", 100)
    run.run(config(tmp_path / "a", **chosen))
    assert done[0].stat().st_mtime_ns == before
    run.run(config(tmp_path / "b", **chosen))
    assert_same(tmp_path / "a", tmp_path / "b")


def test_each_case_is_read_once_for_all_models_and_stages(tmp_path, monkeypatch):
    reads = []
    read = fakes.SQUARES.read
    monkeypatch.setattr(
        fakes, "SQUARES", replace(fakes.SQUARES, read=lambda item: reads.append(item.case) or read(item))
    )
    run.run(config(tmp_path / "r", models=("baseline/box", "fake/good", "fake/several")))
    assert sorted(reads) == ["c0", "c1", "c2", "c3", "unreadable"]
    assert not (tmp_path / "r" / SLICES).exists()


def test_slices_of_a_killed_run_are_cut_again(tmp_path, monkeypatch):
    """They are of data that may have changed since: here they are of no image at all."""
    chosen = {"models": ("fake/dies",), "prompts": ("clicks",)}
    monkeypatch.setattr("bench.store.files._remove", lambda folder: None)  # a kill leaves everything as it is
    with pytest.raises(KeyboardInterrupt):
        run.run(config(tmp_path / "a", **chosen))
    left = list((tmp_path / "a" / SLICES).rglob("*.arrow"))
    assert len(left) == 4
    for path in left:
        path.write_bytes(b"not a file of slices")
    monkeypatch.undo()
    fakes.register(monkeypatch)
    fakes.leave_out_figures(monkeypatch)
    monkeypatch.setattr(fakes.Fake, "dies_after", 100)
    run.run(config(tmp_path / "a", **chosen))
    run.run(config(tmp_path / "b", **chosen))
    assert_same(tmp_path / "a", tmp_path / "b")


def counted(monkeypatch, where):
    """How often a function is called from now on."""
    calls = []
    module, name = where.rsplit(".", 1)
    real = getattr(importlib.import_module(module), name)
    monkeypatch.setattr(where, lambda *args: calls.append(name) or real(*args))
    return calls


def reported(folder):
    """A run whose report is there; the page is empty."""
    outcome = run.run(config(folder, prompts=("box", "clicks")))
    write_bytes(page_path(folder), b"page")
    return outcome


def test_a_finished_run_is_shown_as_it_is(tmp_path, monkeypatch):
    first = reported(tmp_path / "r")
    asked, before = fakes.Fake.encoded, files(tmp_path / "r", (LOCK,))
    calls = [counted(monkeypatch, where) for where in ("bench.running.run.score", "bench.reporting.report.report")]
    second = run.run(config(tmp_path / "r", prompts=("box", "clicks")))
    assert fakes.Fake.encoded == asked and calls == [[], []]
    assert files(tmp_path / "r", (LOCK,)) == before
    roles = ("headline", "rounds")
    shown = [to_console(table) for table in first.tables if getattr(table, "role", "") in roles]
    assert [to_console(table) for table in second.tables] == shown and len(shown) == 3
    assert (second.failed, second.skipped) == (first.failed, first.skipped)


@pytest.mark.parametrize(
    "lost",
    ["tables/all.tex", "records.parquet", "targets/squares/c0.npz", "targets/squares/c0.grid.json", "report.html"],
)
def test_a_finished_run_that_lost_a_file_is_made_whole_again(tmp_path, monkeypatch, lost):
    reported(tmp_path / "r")
    (tmp_path / "r" / lost).unlink()
    calls = counted(monkeypatch, "bench.running.run.score")
    run.run(config(tmp_path / "r", prompts=("box", "clicks")))
    assert calls == ["score"]
    assert lost == "report.html" or (tmp_path / "r" / lost).exists()  # pages are left out here


def test_a_prediction_that_is_made_again_is_scored_and_reported_again(tmp_path, monkeypatch):
    reported(tmp_path / "r")
    predictions_path(tmp_path / "r", "fake/good", "squares", "c2").unlink()

    def interrupted(config, tasks):
        raise KeyboardInterrupt

    monkeypatch.setattr("bench.predicting.predict.predict", interrupted)
    with pytest.raises(KeyboardInterrupt):
        run.run(config(tmp_path / "r", prompts=("box", "clicks")))
    assert not any(read_json(tmp_path / "r" / "run.json")["finished"].values())


def test_another_configuration_is_refused_or_replaces(tmp_path):
    run.run(config(tmp_path / "r"))
    with pytest.raises(RunError, match="other seed"):
        run.run(config(tmp_path / "r", seed=1))
    run.run(config(tmp_path / "r", seed=1), resume=False)
    assert read_json(tmp_path / "r" / "run.json")["config"]["seed"] == 1


def test_changed_prompts_are_noticed(tmp_path):
    run.run(config(tmp_path / "r"))
    path = tmp_path / "r" / "prompts.parquet"
    table = pd.read_parquet(path)
    table["x0"] += 1
    table.to_parquet(path)
    with pytest.raises(RunError, match="changed since it was drawn"):
        run.run(config(tmp_path / "r"))


def test_a_run_does_not_go_on_with_other_weights(tmp_path, monkeypatch):
    first = describe.describe_model

    def weights(digit):
        def described(*args):
            return replace(first(*args), weights_sha256=digit * 64)

        for module in (describe, resume):
            monkeypatch.setattr(module, "describe_model", described)

    weights("a")
    run.predict_only(config(tmp_path / "r"))
    run.predict_only(config(tmp_path / "r"))
    weights("b")
    with pytest.raises(RunError, match=r"begun with other weights of baseline/box.*--no-resume"):
        run.predict_only(config(tmp_path / "r"))


def test_lost_targets_are_drawn_again(tmp_path):
    run.run(config(tmp_path / "r"))
    path = next((tmp_path / "r" / "targets").rglob("*.npz"))
    before, prompts = path.read_bytes(), (tmp_path / "r" / "prompts.parquet").read_bytes()
    path.write_bytes(before[:-30])
    with pytest.raises(RunError, match="delete it and resume the run"):
        run.score_only(tmp_path / "r")
    for spoil in (lambda: path.write_bytes(before[:-30]), path.unlink):
        spoil()
        run.run(config(tmp_path / "r"))
        assert path.read_bytes() == before and (tmp_path / "r" / "prompts.parquet").read_bytes() == prompts


@pytest.mark.parametrize("content", [None, b"", b"cut", b"[]", b'{"a": 1}', b'[{"seconds_encode": "x"}]', b"\xff"])
def test_a_prediction_without_its_seconds_is_named_and_made_again(tmp_path, content):
    run.run(config(tmp_path / "r"))
    shard = predictions_path(tmp_path / "r", "fake/good", "squares", "c2")
    seconds = shard.with_suffix(".seconds.json")
    seconds.unlink() if content is None else seconds.write_bytes(content)
    with pytest.raises(RunError, match=r"c2\.seconds\.json cannot be read .* resume the run"):
        run.score_only(tmp_path / "r")
    run.run(config(tmp_path / "r"))
    assert len(read_json(seconds)) == 3


@pytest.mark.parametrize("model", ["fake/good", "fake/several"])
def test_a_damaged_shard_is_predicted_again(tmp_path, model):
    chosen = {"models": ("baseline/box", model)}
    run.run(config(tmp_path / "r", **chosen))
    find = candidates_path if model == "fake/several" else predictions_path
    path = find(tmp_path / "r", model, "squares", "c2")
    whole, asked = path.read_bytes(), fakes.Fake.encoded
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(RunError, match=r"c2\.npz is not a mask file .* delete it and resume"):
        run.score_only(tmp_path / "r")
    run.run(config(tmp_path / "r", **chosen))
    # The case and its companion are three slices each.
    assert path.read_bytes() == whole and fakes.Fake.encoded == asked + 6


def test_the_shard_of_another_case_is_not_taken_for_this_one(tmp_path):
    run.run(config(tmp_path / "r"))
    one, other = (predictions_path(tmp_path / "r", "fake/good", "squares", case) for case in ("c1", "c2"))
    right = one.read_bytes()
    one.write_bytes(other.read_bytes())
    with pytest.raises(RunError, match=r"is of .*c2.*, not of .*c1"):
        run.score_only(tmp_path / "r")
    run.run(config(tmp_path / "r"))
    assert one.read_bytes() == right


@pytest.mark.parametrize("name", ["records.parquet", "failures.parquet"])
def test_a_damaged_table_of_a_run_is_named_with_the_remedy(tmp_path, name):
    run.run(config(tmp_path / "r"))
    path = tmp_path / "r" / name
    path.write_bytes(path.read_bytes()[:-50])
    with pytest.raises(RunError, match=rf"{name} cannot be read .*bench score"):
        read_records(tmp_path / "r"), read_failures(tmp_path / "r")
    run.score_only(tmp_path / "r")
    report.report(tmp_path / "r")


def test_lost_prompts_are_drawn_again_unless_the_data_changed(tmp_path, monkeypatch):
    run.run(config(tmp_path / "r"))
    path = tmp_path / "r" / "prompts.parquet"
    before = path.read_bytes()
    path.unlink()
    run.run(config(tmp_path / "r"))
    assert path.read_bytes() == before
    path.unlink()
    monkeypatch.setitem(datasets.REGISTRY, "squares", "tests.helpers.fakes:NAMED")
    with pytest.raises(RunError, match="the data give other prompts now"):
        run.run(config(tmp_path / "r"))


LONG = ("肝" * 30, "肝" * 85, "x" * 255, "x" * 254, "a/" * 200, ". . .", "=", "%", "é" * 300)


def test_no_case_name_breaks_the_run_folder(tmp_path, monkeypatch):
    monkeypatch.setattr(fakes, "NAMES", LONG)
    monkeypatch.setitem(datasets.REGISTRY, "squares", "tests.helpers.fakes:NAMED")
    run.run(config(tmp_path / "r"))
    records = pd.read_parquet(tmp_path / "r" / "records.parquet").query("metric == 'dice' and model == 'fake/good'")
    assert set(records["case"]) == set(LONG)
    files = list((tmp_path / "r" / "targets" / "squares").glob("*.npz"))
    assert {MaskShard.load(path).about["case"] for path in files} == set(LONG)
    assert all(len(path.name.encode()) <= 255 for path in (tmp_path / "r").rglob("*"))


def test_a_refused_run_touches_nothing_and_a_replaced_one_only_its_own_files(tmp_path):
    folder = tmp_path / "r"
    run.run(config(folder))
    mine = ["x.npz.4711.part", "sub/sam.pth.part", "predictions/a.part", "tables/paper.tex", "predictions/notes.txt"]
    for name in mine:
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text("mine")
    before = files(folder)
    with pytest.raises(RunError, match="other seed"):
        run.run(config(folder, seed=1))
    with pytest.raises(ValueError, match="unknown model"):
        run.run(config(folder, models=("none/such",)), resume=False)
    assert files(folder) == before
    run.run(config(folder, prompts=("click",)), resume=False)
    assert {name: (folder / name).read_text() for name in mine} == dict.fromkeys(mine, "mine")
    assert not list((folder / "tables").glob("*box*")) and list((folder / "tables").glob("*click*"))


def test_a_folder_of_something_else_is_left_as_it_is(tmp_path):
    folder = tmp_path / "mine"
    (folder / "tables").mkdir(parents=True)
    (folder / "tables" / "all.tex").write_text("mine")
    (folder / "x.part").write_text("mine")
    for resume_it in (True, False):
        with pytest.raises(RunError, match="tables was not written by this run"):
            run.run(config(folder), resume=resume_it)
    assert files(folder, (LOCK,)) == {"tables/all.tex": b"mine", "x.part": b"mine"}
