"""What a run exports is opened by the tools' own readers and lies on the scan."""

import json

import nibabel as nib
import numpy as np
import pandas as pd
import pytest
from PIL import Image

from bench.data.given_masks import GivenMasks
from bench.errors import RunError
from bench.reporting.export import FORMATS, export
from bench.running import run
from bench.store.records import read_records
from tests.helpers import layouts
from tests.helpers.fakes import config

SHAPE = (9, 8, 5)
pytestmark = pytest.mark.usefixtures("registered", "without_figures")


def rotated():
    """An affine with axes that are turned and oblique, and voxels of three sizes."""
    angle = np.deg2rad(12)
    turn = np.array([[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1]])
    affine = np.eye(4)
    affine[:3, :3] = turn @ np.diag([-2.0, -1.0, 3.0])
    affine[:3, 3] = (10, 20, -30)
    return affine


def label():
    values = np.zeros(SHAPE, np.uint8)
    values[1:4, 2:7, 1:4] = 2
    values[5:8, 1:3, 2] = 4
    values[0, 0, 4] = 1
    return values


def run_of_the_targets(folder, codes, units="mm"):
    """A run on one SegTHOR patient stored in another axis order, with the label files themselves as masks."""
    where = folder / "data" / "train" / "Patient_01"
    for path, values, order in (
        (where / "Patient_01.nii.gz", layouts.voxels(SHAPE) - 100, codes),
        (where / "GT.nii.gz", label(), codes),
        (folder / "given" / "Patient_01.nii.gz", label(), "LPS"),
    ):
        image = nib.load(layouts.write_nifti(path, values, rotated(), order))
        image.header.set_xyzt_units(units)
        nib.save(nib.Nifti1Image(np.asarray(image.dataobj), image.affine, image.header), path)
    given = GivenMasks.parse(f"masks:{folder / 'given'}=truth")
    chosen = {"models": ("baseline/box", given.model), "datasets": ("segthor",), "masks": (given.text,)}
    run.run(config(folder / "r", data=folder / "data", **chosen))
    return where


@pytest.mark.parametrize("codes", ["LPS", "RAS", "SLA", "IPR"])
def test_the_targets_come_back_as_their_label_file(tmp_path, codes):
    where = run_of_the_targets(tmp_path, codes)
    made = export(tmp_path / "r", "nnunet", tmp_path / "out")
    given, back = (
        nib.load(path)
        for path in (where / "GT.nii.gz", tmp_path / "out" / "masks--truth" / "box" / "segthor" / "Patient_01.nii.gz")
    )
    np.testing.assert_array_equal(np.asarray(back.dataobj), np.asarray(given.dataobj))
    np.testing.assert_array_equal(back.affine, given.affine)
    assert back.header.get_xyzt_units() == given.header.get_xyzt_units()
    for form in ("get_sform", "get_qform"):
        one, other = (getattr(image, form)(coded=True) for image in (back, given))
        np.testing.assert_array_equal(one[0], other[0])
        assert one[1] == other[1]
    table = json.loads((tmp_path / "out" / "masks--truth" / "box" / "segthor" / "dataset.json").read_text())
    assert table["labels"] == {"background": 0, "esophagus": 1, "heart": 2, "trachea": 3, "aorta": 4}
    assert not made.left_out and not made.overlapping


def test_one_file_per_class_is_read_again_as_masks(tmp_path):
    run_of_the_targets(tmp_path, "SLA", "micron")
    export(tmp_path / "r", "nifti", tmp_path / "out")
    folder = tmp_path / "out" / "masks--truth" / "box"
    assert json.loads((folder / "segthor" / "labels.json").read_text())["heart"] == 2
    again = GivenMasks.parse(f"masks:{folder}=again")
    chosen = {"models": (again.model,), "datasets": ("segthor",), "masks": (again.text,)}
    run.run(config(tmp_path / "s", data=tmp_path / "data", **chosen))
    assert (read_records(tmp_path / "s").query("metric in ('dice', 'volume_dice')")["value"] == 1).all()


def test_masks_without_a_scan_file_lie_where_the_case_says(tmp_path):
    run.run(config(tmp_path / "r", prompts=("clicks",), models=("fake/good",), limit=1))
    made = export(tmp_path / "r", "nnunet", tmp_path / "out")
    image = nib.load(tmp_path / "out" / "fake--good" / "clicks" / "squares" / "c0.nii.gz")
    assert image.shape == (20, 16, 3) and (image.affine == np.eye(4)).all()
    assert made.files == 2 and set(np.unique(image.dataobj)) == {0, 1, 2}


def test_a_failed_class_is_named_and_not_an_empty_mask(tmp_path):
    run.run(config(tmp_path / "r", models=("fake/raises",), prompts=("click",)))
    made = export(tmp_path / "r", "nifti", tmp_path / "out")
    assert [(one.case, "a bright pixel" in one.reason) for one in made.left_out] == [("c1", True)]
    folder = tmp_path / "out" / "fake--raises" / "click" / "squares"
    assert sorted(path.name for path in (folder / "c1").iterdir()) == ["bar.nii.gz"]
    assert (folder / "c0" / "square.nii.gz").is_file()
    assert pd.read_csv(tmp_path / "out" / "left-out.csv")["case"].tolist() == ["c1"]


def test_pictures_are_png(tmp_path):
    layouts.folder(tmp_path / "data", layouts.square())
    run.run(config(tmp_path / "r", datasets=("folder",), data=tmp_path / "data", models=("baseline/box",)))
    export(tmp_path / "r", "nnunet", tmp_path / "out")
    with Image.open(tmp_path / "out" / "baseline--box" / "box" / "folder" / "a.png") as picture:
        np.testing.assert_array_equal(np.asarray(picture), layouts.square(1))


def test_challenger_and_grand_challenge_hold_the_records(tmp_path):
    run.run(config(tmp_path / "r"))
    export(tmp_path / "r", "csv-challenger", tmp_path / "c")
    table = pd.read_csv(tmp_path / "c" / "challenger-box-dice.csv")
    assert table.columns.tolist() == ["task", "case", "algorithm", "value"]
    assert not table.duplicated(["task", "case", "algorithm"]).any()
    records = read_records(tmp_path / "r").query("metric == 'dice' and target == 'square' and model == 'fake/good'")
    found = table.query("task == 'squares: Square' and algorithm == 'fake/good'").set_index("case")["value"]
    pd.testing.assert_series_equal(
        found, records.groupby("patient")["value"].mean().rename_axis("case"), check_names=False
    )
    export(tmp_path / "r", "grand-challenge", tmp_path / "g")
    content = json.loads((tmp_path / "g" / "fake--good" / "box" / "metrics.json").read_text())
    assert set(content) == {"case", "aggregates"}
    volumes = read_records(tmp_path / "r").query("metric == 'volume_dice' and model == 'fake/good'")["value"]
    assert content["aggregates"]["volume_dice"]["mean"] == pytest.approx(volumes.mean())
    assert len(content["case"]["case"]) == content["aggregates"]["volume_dice"]["count"] == len(volumes)


def test_failures_are_na_for_challenger(tmp_path):
    run.run(config(tmp_path / "r", models=("fake/raises",), prompts=("click",)))
    export(tmp_path / "r", "csv-challenger", tmp_path / "c")
    rows = [line.split(",") for line in (tmp_path / "c" / "challenger-click-dice.csv").read_text().splitlines()]
    assert ["squares: Square", "p0", "fake/raises", "NA"] in rows


def test_what_cannot_be_exported_is_refused(tmp_path):
    with pytest.raises(RunError, match="not a run folder"):
        export(tmp_path / "r", "nifti", tmp_path / "out")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "a.txt").write_text("mine")
    with pytest.raises(RunError, match="is not empty"):
        export(tmp_path / "r", "nifti", tmp_path / "full")
    with pytest.raises(RunError, match=f"there are {', '.join(FORMATS)}"):
        export(tmp_path / "r", "dicom", tmp_path / "out")
