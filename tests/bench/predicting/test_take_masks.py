"""A run with another tool's masks as a row: the same patients, prompts, records and intervals as any model."""

import json

import nibabel as nib
import numpy as np
import pandas as pd
import pytest

from bench.data.given_masks import GivenMasks
from bench.errors import RunError
from bench.running import run
from bench.store.masks import MaskShard
from bench.store.records import read_records
from bench.store.run_folder import beyond_path, predictions_path, read_failures
from tests.helpers import layouts
from tests.helpers.command_line import bench, one_line
from tests.helpers.fakes import config
from tests.helpers.run_folders import assert_same
from tests.helpers.runs import score_table

SHAPE = (24, 20, 6)
LABELS = {"background": 0, "heart": 2, "aorta": 4}
pytestmark = pytest.mark.usefixtures("registered", "without_figures")


def organs(shift=0, depth=3):
    """A label map of two organs; moved and longer than the reference where asked."""
    label = np.zeros(SHAPE, np.uint8)
    label[4 + shift : 12 + shift, 3:9, 1 : 1 + depth] = 2
    label[15:19, 12 : 16 + shift, 2:4] = 4
    return label


@pytest.fixture
def world(tmp_path):
    """Three SegTHOR patients and the masks that a tool drew of them, off by different steps."""
    for number in (1, 2, 3):
        where = tmp_path / "data" / "train" / f"Patient_{number:02}"
        scan = np.arange(np.prod(SHAPE), dtype=np.int16).reshape(SHAPE) - 1000
        layouts.write_nifti(where / f"{where.name}.nii.gz", scan, codes="RAS")
        layouts.write_nifti(where / "GT.nii.gz", organs(), codes="RAS")
        layouts.write_nifti(tmp_path / "given" / f"{where.name}.nii.gz", organs(number - 1, 4), codes="LAS")
    layouts.write_json(tmp_path / "given" / "dataset.json", {"labels": LABELS})
    return tmp_path


def chosen(world, out="r", **changes):
    given = GivenMasks.parse(f"masks:{world / 'given'}=nnU-Net")
    settings = {"models": ("baseline/box", given.model), "datasets": ("segthor",), "masks": (given.text,)}
    return config(world / out, **(settings | {"data": world / "data"} | changes))


def summary(world):
    """nnU-Net's summary.json of the masks: Dice per label over the whole volume, mean over the cases."""
    rows = []
    for path in sorted((world / "given").glob("*.nii.gz")):
        truth, drawn = (
            np.asarray(nib.as_closest_canonical(nib.load(one)).dataobj)
            for one in (world / "data" / "train" / path.name.split(".")[0] / "GT.nii.gz", path)
        )
        metrics = {}
        for number in (2, 4):
            tp = int(((truth == number) & (drawn == number)).sum())
            fp, fn = (
                int(((truth != number) & (drawn == number)).sum()),
                int(((truth == number) & (drawn != number)).sum()),
            )
            metrics[str(number)] = {"Dice": 2 * tp / (2 * tp + fp + fn), "TP": tp, "FP": fp, "FN": fn}
        rows.append({"prediction_file": str(path), "metrics": metrics})
    mean = {key: {"Dice": float(np.mean([row["metrics"][key]["Dice"] for row in rows]))} for key in ("2", "4")}
    text = json.dumps({"metric_per_case": rows, "mean": mean})
    return json.loads(text)


def test_volume_dice_is_that_of_nnunets_summary(world):
    outcome = run.run(chosen(world))
    found = read_records(world / "r").query("model == 'masks/nnU-Net' and metric == 'volume_dice'")
    expected = summary(world)
    for number, name in ((2, "heart"), (4, "aorta")):
        per_case = [row["metrics"][str(number)]["Dice"] for row in expected["metric_per_case"]]
        of_class = found[found["target"] == name].sort_values("case")["value"]
        np.testing.assert_allclose(of_class, per_case, rtol=1e-12)
        assert of_class.mean() == pytest.approx(expected["mean"][str(number)]["Dice"])
    hearts = found[found["target"] == "heart"]["value"]
    assert hearts.max() < 1  # the tool went on beyond the heart, on a slice that nobody asked for
    assert outcome.failed == 0


def test_it_stands_in_the_tables_with_its_prompt_and_intervals(world):
    run.run(chosen(world, prompted="box"))
    table = score_table(world / "r", "box")
    assert table.titles["masks/nnU-Net"] == "nnU-Net (prompt: box)"
    assert "Masks that were given, not made here (prompt: box; all slices of a volume count): nnU-Net." in table.caption
    cell = table.lines[-1].cells[table.models.index("masks/nnU-Net")]
    assert cell.applicable and 0.5 < cell.value < 1 and cell.low < cell.value < cell.high
    records = read_records(world / "r").query("metric == 'dice'")
    counts = records.groupby("model").size()
    assert counts["masks/nnU-Net"] == counts["baseline/box"]


def test_every_round_has_the_same_mask(world):
    run.run(chosen(world, prompts=("clicks",), models=("masks/nnU-Net", "fake/good")))
    dice = read_records(world / "r").query("model == 'masks/nnU-Net' and metric == 'dice'")
    assert set(dice["round"]) == {1, 2, 3}
    assert (dice.groupby(["case", "slice", "target"])["value"].nunique() == 1).all()


def test_a_missing_case_and_another_grid_are_records(world):
    (world / "given" / "Patient_01.nii.gz").unlink()
    layouts.write_nifti(world / "given" / "Patient_02.nii.gz", organs()[:, :, :5])
    outcome = run.run(chosen(world))
    failed = read_failures(world / "r").query("model == 'masks/nnU-Net'")
    reasons = failed.groupby("case")["reason"].first()
    assert "nnU-Net has no mask of this case" in reasons["Patient_01"]
    assert (
        "given/Patient_02.nii.gz: shape (24, 20, 5) differs from (24, 20, 6) of Patient_02/Patient_02.nii.gz"
        in (reasons["Patient_02"])
    )
    records = read_records(world / "r").query("model == 'masks/nnU-Net' and metric in ('dice', 'volume_dice')")
    assert set(records["case"]) == {"Patient_01", "Patient_02", "Patient_03"}
    assert (records[records["case"] != "Patient_03"]["status"] == "failed").all()
    assert outcome.failed == len(failed) > 0


def test_a_run_is_resumed_to_the_same_bytes_and_refuses_changed_masks(world):
    run.run(chosen(world, "a"))
    run.run(chosen(world, "b"))
    predictions_path(world / "a", "masks/nnU-Net", "segthor", "Patient_02").unlink()
    beyond_path(world / "a", "masks/nnU-Net", "segthor", "Patient_03").unlink()
    run.run(chosen(world, "a"))
    assert_same(world / "a", world / "b")
    layouts.write_nifti(world / "given" / "Patient_01.nii.gz", organs())
    with pytest.raises(RunError, match="begun with other weights of masks/nnU-Net"):
        run.run(chosen(world, "a"))


def test_what_was_drawn_on_slices_without_the_target_is_kept(world):
    run.predict_only(chosen(world))
    beyond = MaskShard.load(beyond_path(world / "r", "masks/nnU-Net", "segthor", "Patient_01"))
    assert list(beyond.index) == [{"slice": 4, "target": "heart"}]


def test_the_command_line_takes_a_folder_and_a_run_json(world, capsys, monkeypatch):
    monkeypatch.chdir(world)
    command = ("run", "--models", "masks:given=tool", "--data", "data", "--jobs", "1")
    command = (*command, "--datasets", "segthor", "--prompted", "text")
    code, out, _ = bench(capsys, *command, "--out", "one")
    assert code == 0 and "not made here (prompt: text;" in out and "masks/tool" in out
    code, _, err = bench(capsys, "run", "--config", "one/run.json", "--jobs", "1", "--out", "two")
    assert code == 0, err
    assert_same(world / "one", world / "two")
    assert pd.read_parquet("two/records.parquet")["model"].unique().tolist()[-1] == "masks/tool"
    code, _, err = bench(capsys, *command, "--protocol", "sam-med2d", "--out", "three")
    assert code == 2 and "choose a protocol of whole classes" in one_line(err)
