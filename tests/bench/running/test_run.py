import shutil
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from bench import protocols
from bench.errors import RunError
from bench.reporting import report
from bench.reporting.scored_run import read_scored_run
from bench.running import run
from bench.running.rescore import rescore
from bench.scoring.volume_scores import OF_VOLUMES
from bench.store.files import read_json
from bench.store.run_folder import predictions_path, read_run
from tests.helpers import fakes
from tests.helpers.fakes import config
from tests.helpers.layouts import write_nifti
from tests.helpers.run_folders import assert_same
from tests.helpers.runs import score_table

pytestmark = pytest.mark.usefixtures("registered", "without_figures")


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
    # 4 cases x 3 slices x 2 models per metric; and 4 cases x 2 targets x 2 models per metric of volumes
    slices = ("dice", "iou", "nsd@2mm", "hd95", "assd")
    volumes = (*(f"volume_{name}" for name in slices), *OF_VOLUMES)
    wanted = dict.fromkeys((*slices, "predicted_iou"), 24) | dict.fromkeys(volumes, 16)
    assert records["metric"].value_counts().to_dict() == wanted
    unscored = records.query("metric == 'predicted_iou' and model == 'baseline/box'")
    assert unscored["value"].isna().all() and set(unscored["status"]) == {"undefined"}
    rest = records.drop(unscored.index)
    assert (rest["status"] == "ok").all() and rest["value"].ge(0).all()
    assert rest.loc[~rest["metric"].str.contains("hd95|assd|difference"), "value"].le(1).all()
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
    cell = score_table(tmp_path / "r", "box").lines[0].cells[1]
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
    assert score_table(tmp_path / "r", "box").caption.count(f"protocol {protocol}:") == 1


@pytest.mark.slow
def test_the_same_run_twice_is_the_same(tmp_path):
    chosen = {"prompts": ("box", "box-jitter", "clicks")}
    for name in ("a", "b"):
        run.run(config(tmp_path / name, **chosen))
    assert_same(tmp_path / "a", tmp_path / "b")


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
    made = rescore(folder, protocols.load("bench+skip"))
    skipped = pd.read_parquet(made.records).query("prompt == 'auto' and metric == 'dice'")
    assert skipped["status"].value_counts().to_dict() == {"ok": 3, "skipped": 3} and not made.needs_new_run


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


def test_the_release_of_the_data_and_its_checksums_stand_in_the_run_and_in_every_caption(tmp_path):
    disc = np.zeros((16, 16, 2), np.uint8)
    disc[3:12, 3:12] = 1
    data = tmp_path / "Totalsegmentator_dataset_v300"
    write_nifti(data / "s0001/mri.nii.gz", np.indices(disc.shape).sum(0).astype(np.int16))
    label = write_nifti(data / "s0001/segmentations/liver.nii.gz", disc)
    chosen = {"models": ("baseline/box",), "datasets": ("totalsegmentator-mri",), "data": tmp_path}

    def facts(name):
        run.run(config(tmp_path / name, **chosen))
        return read_run(tmp_path / name).data["totalsegmentator-mri"]

    before = facts("a")
    assert before.release == "v3" and "no meta.csv" in before.seen
    again = run.run(config(tmp_path / "a", **chosen))
    captions = [read_scored_run(tmp_path / "a").note(["box"], "-"), *(table.caption for table in again.tables)]
    assert len(captions) > 1 and all("Releases of the data: totalsegmentator-mri v3." in text for text in captions)
    write_nifti(label, np.where(np.indices(disc.shape)[0] > 10, 0, disc))
    after = facts("b")
    assert after.labels_sha256 != before.labels_sha256 and after.cases_sha256 == before.cases_sha256
