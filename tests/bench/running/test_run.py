import json
import shutil
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import adapters
from adapters import Points, Prompt
from adapters.weights.catalogue import CATALOGUE
from bench import protocols
from bench.comparing import reference
from bench.config import RunConfig
from bench.data import datasets
from bench.errors import RunError
from bench.predicting import predict
from bench.prompting.table import prompt_of
from bench.reporting import report
from bench.reporting.tables import run_tables
from bench.running import describe, resume, run
from bench.store import run_folder
from bench.store.files import read_json
from bench.store.masks import MaskShard
from bench.store.run_folder import LOCK, candidates_path, predictions_path
from tests.helpers import fakes


@pytest.fixture(autouse=True)
def registered(monkeypatch):
    for name, where in fakes.MODELS.items():
        monkeypatch.setitem(adapters.REGISTRY, name, where)
    monkeypatch.setitem(datasets.REGISTRY, "squares", "tests.helpers.fakes:SQUARES")
    monkeypatch.setattr(fakes.Fake, "encoded", 0)
    monkeypatch.setattr("bench.reporting.publish.publish", lambda run, tables, jobs: ())
    predict.segmenter.cache_clear()


def config(out, **changes) -> RunConfig:
    chosen = {
        "models": ("baseline/box", "fake/good"),
        "datasets": ("squares",),
        "prompts": ("box",),
        "clicks": 3,
        "protocol": "bench",
        "data": out.parent,
        "world": "real",
        "weights": None,
        "out": out,
        "limit": None,
        "seed": 0,
        "device": "cpu",
        "precision": "fp32",
        "jobs": 1,
        "engine": "local",
        "untrained_prompts": False,
        "allow_random": False,
    }
    return RunConfig(**(chosen | changes))


def test_run_folder_holds_what_the_contract_names(tmp_path):
    outcome = run.run(config(tmp_path / "r"))
    names = {path.name for path in (tmp_path / "r").iterdir()}
    assert {"run.json", "prompts.parquet", "predictions", "records.parquet", "failures.parquet", "tables"} <= names
    assert "log.txt" in names
    assert (outcome.failed, outcome.skipped) == (1, 1)


def test_records_are_long_and_complete(tmp_path):
    run.run(config(tmp_path / "r"))
    records = pd.read_parquet(tmp_path / "r" / "records.parquet")
    wanted = [
        "run",
        "model",
        "dataset",
        "patient",
        "case",
        "slice",
        "target",
        "prompt",
        "round",
        "seed",
        "metric",
        "value",
        "status",
    ]
    assert set(wanted) | {"seconds_encode", "seconds_decode", "area_px"} == set(records.columns)
    # 4 cases x 3 slices x 2 models a metric; and 4 cases x 2 targets x 2 models a metric of volumes
    slices, volumes = ("dice", "iou", "nsd@2mm", "hd95"), ("volume_dice", "volume_iou", "volume_nsd@2mm", "volume_hd95")
    wanted = dict.fromkeys((*slices, "predicted_iou"), 24) | dict.fromkeys(volumes, 16)
    assert records["metric"].value_counts().to_dict() == wanted
    unscored = records.query("metric == 'predicted_iou' and model == 'baseline/box'")
    assert unscored["value"].isna().all() and set(unscored["status"]) == {"undefined"}
    rest = records.drop(unscored.index)
    assert (rest["status"] == "ok").all() and rest["value"].ge(0).all()
    assert rest.loc[~rest["metric"].str.contains("hd95"), "value"].le(1).all()
    assert records.loc[records["metric"] == "volume_dice", "slice"].isna().all()


def test_dice_of_a_filled_box_is_known(tmp_path):
    run.run(config(tmp_path / "r"))
    records = pd.read_parquet(tmp_path / "r" / "records.parquet")
    one = records.query("model == 'baseline/box' and case == 'c0' and slice == 0 and metric == 'dice'")
    assert one["value"].item() == pytest.approx(2 * 44 / (44 + 48))
    bar = records.query("model == 'baseline/box' and case == 'c0' and target == 'bar' and metric == 'volume_dice'")
    assert bar["value"].item() == 1


def test_failures_have_reasons_and_the_rest_is_scored(tmp_path):
    outcome = run.run(config(tmp_path / "r", models=("baseline/box", "fake/raises")))
    failures = pd.read_parquet(tmp_path / "r" / "failures.parquet")
    assert "CRC check failed" in failures.query("case == 'unreadable'")["reason"].item()
    bright = failures.query("model == 'fake/raises'")
    assert bright["case"].tolist() == ["c1"] and "RuntimeError: a bright pixel" in bright["reason"].item()
    records = pd.read_parquet(tmp_path / "r" / "records.parquet").query("model == 'fake/raises' and metric == 'dice'")
    assert records["status"].value_counts().to_dict() == {"ok": 11, "failed": 1}
    assert records.query("status == 'failed'")["value"].isna().all()
    assert outcome.failed == 2
    cell = run_tables.table(tmp_path / "r", "box").lines[0].cells[1]
    assert (cell.n, cell.failed) == (7, 1) and cell.text().endswith(" f1")


@pytest.mark.parametrize("protocol", sorted(protocols.PROTOCOLS))
def test_every_protocol_runs_and_keeps_its_reasons(tmp_path, protocol, monkeypatch):
    """Small targets are left out by some of them: then a reason names a target beside others that name none."""
    fitting = min(protocols.load(protocol).min_area_px, 51)  # the squares are small
    monkeypatch.setitem(protocols.PROTOCOLS, protocol, replace(protocols.load(protocol), min_area_px=fitting))
    run.run(config(tmp_path / "r", models=("baseline/box",), protocol=protocol))
    failures = pd.read_parquet(tmp_path / "r" / "failures.parquet")
    assert failures["reason"].notna().all() and "unreadable" in set(failures["case"])
    if protocols.load(protocol).min_area_px > 1:
        assert failures["target"].notna().any() and failures["target"].isna().any()
    assert run_tables.table(tmp_path / "r", "box").caption.count(f"protocol {protocol}:") == 1


def files(folder, skip=()):
    found = {path.relative_to(folder): path for path in folder.rglob("*") if path.is_file()}
    return {str(name): path.read_bytes() for name, path in found.items() if name.name not in skip}


TIMED = ("run.json", "log.txt", LOCK, "records.parquet")


def assert_same(one, other):
    """Equal to the byte, timings aside."""
    left, right = (
        {n: b for n, b in files(run_folder, TIMED).items() if not n.endswith(".seconds.json")}
        for run_folder in (one, other)
    )
    assert left.keys() == right.keys()
    assert [name for name in left if left[name] != right[name]] == []
    drop = ["run", "seconds_encode", "seconds_decode"]
    records = [pd.read_parquet(folder / "records.parquet").drop(columns=drop) for folder in (one, other)]
    pd.testing.assert_frame_equal(*records)


def test_the_same_run_twice_is_the_same(tmp_path):
    chosen = {"prompts": ("box", "box-jitter", "clicks")}
    for name in ("a", "b"):
        run.run(config(tmp_path / name, **chosen))
    assert_same(tmp_path / "a", tmp_path / "b")


def test_interrupted_run_goes_on_and_ends_the_same(tmp_path, monkeypatch):
    chosen = {"models": ("fake/dies",), "prompts": ("clicks",)}
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


def test_finished_run_predicts_nothing_again(tmp_path):
    run.run(config(tmp_path / "r"))
    asked = fakes.Fake.encoded
    run.run(config(tmp_path / "r"))
    assert fakes.Fake.encoded == asked


def test_another_configuration_is_refused_or_replaces(tmp_path):
    run.run(config(tmp_path / "r"))
    with pytest.raises(RunError, match="other seed"):
        run.run(config(tmp_path / "r", seed=1))
    run.run(config(tmp_path / "r", seed=1), resume=False)
    assert read_json(tmp_path / "r" / "run.json")["config"]["seed"] == 1


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
            return first(*args) | {"weights_sha256": digit * 64}

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
    assert path.read_bytes() == whole and fakes.Fake.encoded == asked + 3


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
        run_folder.read_records(tmp_path / "r"), run_folder.failures(tmp_path / "r")
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
    files = list((tmp_path / "r" / "targets" / "squares").iterdir())
    assert {MaskShard.load(path).about["case"] for path in files} == set(LONG)
    assert all(len(path.name.encode()) <= 255 for path in (tmp_path / "r").rglob("*"))


def test_steps_run_alone(tmp_path):
    chosen = config(tmp_path / "r")
    run.predict_only(chosen)
    assert not (tmp_path / "r" / "records.parquet").exists()
    asked = fakes.Fake.encoded
    run.score_only(tmp_path / "r")
    shutil.rmtree(tmp_path / "r" / "tables")
    report.report(tmp_path / "r")
    assert fakes.Fake.encoded == asked
    run.run(config(tmp_path / "other"))
    assert_same(tmp_path / "r", tmp_path / "other")


def test_scoring_an_unfinished_run_says_so(tmp_path):
    chosen = config(tmp_path / "r")
    run.predict_only(chosen)
    predictions_path(tmp_path / "r", "fake/good", "squares", "c2").unlink()
    with pytest.raises(RunError, match="no prediction of fake/good for squares c2"):
        run.score_only(tmp_path / "r")


def test_order_and_limit_change_no_prompt(tmp_path):
    run.predict_only(config(tmp_path / "all", prompts=("box-jitter",)))
    run.predict_only(config(tmp_path / "two", prompts=("click", "box-jitter"), limit=2))
    everything = pd.read_parquet(tmp_path / "all" / "prompts.parquet")
    part = pd.read_parquet(tmp_path / "two" / "prompts.parquet").query("prompt == 'box-jitter'")
    same = everything[everything["case"].isin(["c0", "c1"])]
    pd.testing.assert_frame_equal(part.reset_index(drop=True), same.reset_index(drop=True))
    assert prompt_of(part.iloc[0]).box is not None


def test_clicks_get_better_and_every_round_has_a_mask(tmp_path):
    run.run(config(tmp_path / "r", prompts=("clicks",), models=("fake/good",)))
    records = pd.read_parquet(tmp_path / "r" / "records.parquet").query("metric == 'dice'")
    means = records.groupby("round")["value"].mean()
    assert means.index.tolist() == [1, 2, 3] and means[3] > means[1]
    assert records.groupby("round").size().nunique() == 1
    lines = run_tables.click_curve(tmp_path / "r", "clicks").lines
    assert [line.label for line in lines] == ["1 click", "2 clicks", "3 clicks"]


def test_untrained_prompt_is_not_applicable_unless_asked_for(tmp_path):
    models = ("baseline/box", "fake/boxes", "fake/good")
    run.run(config(tmp_path / "r", prompts=("click",), models=models))
    cells = run_tables.table(tmp_path / "r", "click").lines[0].cells
    assert [cell.text() for cell in cells[:2]] == ["n/a", "n/a"] and cells[2].applicable
    run.run(config(tmp_path / "f", prompts=("click",), models=models, untrained_prompts=True))
    forced = run_tables.table(tmp_path / "f", "click").lines[0].cells
    assert not forced[0].applicable  # a baseline cannot take clicks at all
    assert forced[1].forced and "*" in forced[1].text() and not forced[2].forced


def test_working_resolution_is_scored_on_the_original_grid(tmp_path):
    run.run(config(tmp_path / "r", protocol="segmote"))
    shard = MaskShard.load(predictions_path(tmp_path / "r", "baseline/box", "squares", "c0"))
    assert {mask.shape for mask in shard.masks} == {(16, 20)}
    records = pd.read_parquet(tmp_path / "r" / "records.parquet")
    assert records.query("model == 'baseline/box' and target == 'bar' and metric == 'dice'")["value"].min() > 0.95
    prompts = pd.read_parquet(tmp_path / "r" / "prompts.parquet")
    assert (prompts["height"] == 512).all() and prompts["x1"].max() > 100


def test_slices_are_seen_the_right_way_up(tmp_path):
    run.run(config(tmp_path / "r"))
    row = pd.read_parquet(tmp_path / "r" / "prompts.parquet").query("case == 'c0' and target == 'bar'").iloc[0]
    assert row[["x0", "y0", "x1", "y1"]].tolist() == [1, 13, 19, 15]


def test_verify_names_the_rows_that_moved(tmp_path):
    run.run(config(tmp_path / "r"))
    reference.write_reference(tmp_path / "r", tmp_path / "ref.json")
    assert reference.verify(tmp_path / "r", tmp_path / "ref.json") == []
    stored = read_json(tmp_path / "ref.json")
    stored["dice"]["box"]["squares | Bar | baseline/box"] -= 0.02
    stored["dice"]["box"]["squares | Gone | baseline/box"] = 0.5
    (tmp_path / "ref.json").write_text(json.dumps(stored))
    moved = reference.verify(tmp_path / "r", tmp_path / "ref.json")
    assert len(moved) == 2 and "Bar | baseline/box: 0.9800 -> 1.0000 (+0.0200)" in moved[0]
    assert len(reference.verify(tmp_path / "r", tmp_path / "ref.json", tolerance=0.05)) == 1


def test_verify_refuses_another_protocol(tmp_path):
    run.run(config(tmp_path / "r"))
    reference.write_reference(tmp_path / "r", tmp_path / "ref.json")
    run.run(config(tmp_path / "s", protocol="segmote"))
    with pytest.raises(RunError, match="not comparable"):
        reference.verify(tmp_path / "s", tmp_path / "ref.json")


def test_pixels_of_the_stored_masks_are_the_models(tmp_path):
    run.run(config(tmp_path / "r"))
    shard = MaskShard.load(predictions_path(tmp_path / "r", "baseline/box", "squares", "c0"))
    bar = next(m for e, m in zip(shard.index, shard.masks, strict=True) if e["target"] == "bar")
    expected = np.zeros((16, 20), bool)
    expected[13:15, 1:19] = True
    assert np.array_equal(bar, expected)


def test_text_prompts_are_the_names_of_the_classes(tmp_path):
    run.run(config(tmp_path / "r", prompts=("text",)))
    frozen = pd.read_parquet(tmp_path / "r" / "prompts.parquet")
    assert (frozen["text"] == frozen["target"]).all() and frozen["x0"].isna().all()
    box, good = run_tables.table(tmp_path / "r", "text").lines[1].cells
    assert not box.applicable and good.value == 1


def test_masks_are_scored_by_other_rules_beside_the_runs_own(tmp_path):
    folder = tmp_path / "r"
    run.run(config(folder, models=("fake/several",)))
    before = files(folder)
    records = pd.read_parquet(folder / "records.parquet").set_index(["case", "slice", "target", "metric"])["value"]
    bar = records["c0", 2, "bar"]
    assert bar["dice"] == pytest.approx(2 / 3) and bar["oracle_dice"] == 1 and bar["regret"] == pytest.approx(0.5)
    shard = MaskShard.load(candidates_path(folder, "fake/several", "squares", "c0"))
    assert [(e["entry"], e["candidate"]) for e in shard.index[:4]] == [(0, 1), (0, 2), (1, 1), (1, 2)]
    made = run.rescore(folder, protocols.PROTOCOLS["huang"])
    other = pd.read_parquet(made.folder / "records.parquet").set_index(["case", "slice", "target", "metric"])["value"]
    assert other["c0", 2, "bar", "dice"] == 1 and "multimask: None -> True" in made.needs_new_run
    after = files(folder)
    assert {name: after[name] for name in before} == before
    assert {name for name in after if name not in before} == {
        "protocols/huang/records.parquet", "protocols/huang/failures.parquet", "protocols/huang/protocol.json",
    }  # fmt: skip
    table = pd.read_csv(folder / "tables" / "ranking-protocols.csv").query(
        "protocol == 'huang' and dataset == 'squares'"
    )
    own = other.xs("dice", level="metric").groupby("target").mean().mean()
    assert table["value"].item() == pytest.approx(own)


def test_a_run_without_candidates_is_scored_all_the_same(tmp_path):
    folder = tmp_path / "r"
    run.run(config(folder, models=("fake/several",)))
    shutil.rmtree(folder / "candidates")
    run.score_only(folder)
    assert "regret" not in set(pd.read_parquet(folder / "records.parquet")["metric"])


def test_auto_asks_for_every_slice_and_the_empty_ones_are_scored_by_the_rule(tmp_path):
    folder = tmp_path / "r"
    run.run(config(folder, models=("fake/several", "fake/good"), prompts=("auto", "box"), limit=1))
    frozen = pd.read_parquet(folder / "prompts.parquet")
    assert frozen.groupby("prompt").size().to_dict() == {"auto": 6, "box": 3}
    facts = read_json(folder / "run.json")
    assert facts["not_applicable"] == [
        {"model": "fake/good", "prompt": "auto", "reason": "cannot take auto prompts"},
    ]  # fmt: skip
    records = pd.read_parquet(folder / "records.parquet").query("prompt == 'auto' and metric == 'dice'")
    empty = records[records["area_px"] == 0]
    assert len(records) == 6 and len(empty) == 3 and (empty["value"] == 0).all()  # it always draws something
    made = run.rescore(folder, protocols.load("bench+skip"))
    skipped = pd.read_parquet(made.folder / "records.parquet").query("prompt == 'auto' and metric == 'dice'")
    assert skipped["status"].value_counts().to_dict() == {"ok": 3, "skipped": 3} and not made.needs_new_run


def test_a_box_comes_first_and_clicks_correct_it(tmp_path):
    folder = tmp_path / "r"
    run.run(config(folder, models=("fake/several",), prompts=("box+clicks", "box"), limit=1))
    records = pd.read_parquet(folder / "records.parquet").query("metric == 'dice'")
    first = records.query("prompt == 'box+clicks' and round == 1")["value"]
    assert first.tolist() == records.query("prompt == 'box'")["value"].tolist()
    last = records.query("prompt == 'box+clicks' and round == 3")["value"]
    assert len(last) == 3 and last.mean() > first.mean()
    labels = [line.label for line in run_tables.click_curve(folder, "box+clicks").lines]
    assert labels == ["box", "box + 1 click", "box + 2 clicks"]


def test_a_protocol_of_volumes_in_pixels_reaches_every_table(tmp_path, monkeypatch):
    rules = protocols.Protocol("x", "test", component="each", distance_unit="px", aggregation="volume")
    monkeypatch.setitem(protocols.PROTOCOLS, "x", rules)
    folder = tmp_path / "r"
    run.run(config(folder, models=("fake/several",), protocol="x", limit=1))
    records = pd.read_parquet(folder / "records.parquet")
    assert {"nsd@2px", "hd95_px", "volume_nsd@2px"} <= set(records["metric"])
    names = {path.stem for path in (folder / "tables").glob("*.csv")}
    assert {"dice-box-volume", "nsd@2px-box-volume", "predicted_iou-box-macro_class"} <= names
    assert set(records.loc[records["metric"] == "dice", "target"]) == {"square#1", "bar#1"}
    assert set(records.loc[records["metric"] == "volume_dice", "target"]) == {"square", "bar"}


def test_a_first_prompt_of_several_clicks_is_refused_not_cut(tmp_path, monkeypatch):
    def two(target, protocol, rng):
        return Prompt(points=Points([[1, 1], [2, 2]], [1, 1]))

    monkeypatch.setattr("bench.prompting.clicks.click", two)
    with pytest.raises(ValueError, match="prompt click begins with 2 clicks"):
        run.run(config(tmp_path / "r", prompts=("click",)))


def test_captions_name_weights_that_are_not_the_published_file():
    entry = CATALOGUE["sam/vit_b"]
    right = {"weights": entry.file, "weights_sha256": entry.sha256}
    assert describe._unpublished({"sam/vit_b": right, "fake/good": {"weights": None, "weights_sha256": None}}) == ""
    assert (
        describe._unpublished({"sam/vit_b": right | {"weights": "sam_vit_b_01ec64.safetensors", "weights_sha256": "0"}})
        == ""
    )
    for name in (entry.file, "mine.pth"):
        text = describe._unpublished({"sam/vit_b": {"weights": name, "weights_sha256": "0" * 64}})
        assert text == " Not the published file, by its checksum: sam/vit_b."
