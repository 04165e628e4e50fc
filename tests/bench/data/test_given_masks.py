"""Masks of other tools, found by case id and held against the scan's grid."""

import numpy as np
import pytest

from bench.data import catalogue
from bench.data.case import DataError
from bench.data.given_masks import CaseMasks, GivenMasks, MaskGrid, given_models
from bench.data.reading.nifti import read_volume
from bench.errors import RunError
from tests.helpers import layouts
from tests.helpers.layouts import SHAPE, corner, lps_affine, picture, square, voxels, write_json, write_nifti, write_png


@pytest.fixture
def case(tmp_path):
    """The only case of a SegTHOR folder, and a function that opens the masks that were written into `given`."""
    layouts.segthor(tmp_path / "data")
    [item], _ = catalogue.index("segthor", tmp_path / "data", None)
    (tmp_path / "given").mkdir()
    scan = read_volume(item.files["image"])
    grid = MaskGrid("Patient_01/Patient_01.nii.gz", SHAPE, scan.affine, scan.turn)
    return lambda alone=True: CaseMasks(GivenMasks("tool", tmp_path / "given"), item, grid, alone)


@pytest.mark.parametrize(
    ("text", "name"), [("masks:{}/preds=nnU-Net", "nnU-Net"), ("masks:{}/preds", "preds"), ("masks:{}/a=b=x", "x")]
)
def test_a_folder_is_named_on_the_command_line(tmp_path, text, name):
    for folder in ("preds", "a=b"):
        (tmp_path / folder).mkdir()
    given = GivenMasks.parse(text.format(tmp_path))
    assert given.name == name and given.model == f"masks/{name}"
    assert dict(given_models([given.text])) == {given.model: given}


@pytest.mark.parametrize("text", ["masks:{}/none=x", "masks:{}=a/b", "masks:{}/a=b", "masks:"])
def test_what_names_no_folder_is_refused(tmp_path, text, monkeypatch):
    monkeypatch.chdir("/")
    (tmp_path / "a=b").mkdir()
    with pytest.raises(RunError, match="masks:DIR=NAME"):
        GivenMasks.parse(text.format(tmp_path))


@pytest.mark.parametrize("codes", ["LPS", "RAS", "SLA"])
def test_a_label_map_in_any_orientation_has_the_ids_of_the_data_set(tmp_path, case, codes):
    write_nifti(tmp_path / "given" / "Patient_01.nii.gz", corner(value=2), codes=codes)
    np.testing.assert_array_equal(case().of("heart"), corner() > 0)
    assert not case().of("aorta").any()


def test_the_ids_of_the_folder_win_over_those_of_the_data_set(tmp_path, case):
    write_nifti(tmp_path / "given" / "Patient_01.nii.gz", corner(value=7))
    write_json(tmp_path / "given" / "dataset.json", {"labels": {"background": 0, "heart": 7}})
    np.testing.assert_array_equal(case().of("heart"), corner() > 0)
    with pytest.raises(DataError, match=r"no id of it is named 'aorta'.*given/labels\.json"):
        case().of("aorta")


@pytest.mark.parametrize("folder", ["Patient_01", "Patient_01/segmentations", "segthor/Patient_01"])
def test_one_file_per_class(tmp_path, case, folder):
    write_nifti(tmp_path / "given" / folder / "heart.nii.gz", corner())
    np.testing.assert_array_equal(case().of("heart"), corner() > 0)
    with pytest.raises(DataError, match="tool has no mask of 'aorta'"):
        case().of("aorta")


def test_several_data_sets_need_a_folder_each(tmp_path, case):
    write_nifti(tmp_path / "given" / "Patient_01.nii.gz", corner(value=2))
    with pytest.raises(DataError, match=r"no mask of this case: neither segthor/Patient_01\.nii"):
        case(alone=False).of("heart")


@pytest.mark.parametrize(
    ("shape", "spacing", "reason"),
    [((6, 7, 4), (2.0, 1.0, 3.0), r"shape \(6, 7, 4\) differs"), (SHAPE, (2.0, 1.0, 2.5), "affine differs")],
)
def test_masks_are_never_resampled(tmp_path, case, shape, spacing, reason):
    write_nifti(tmp_path / "given" / "Patient_01.nii.gz", corner(shape, 2), lps_affine(spacing))
    with pytest.raises(DataError, match=rf"given/Patient_01\.nii\.gz.*{reason}.*Patient_01/Patient_01\.nii\.gz"):
        case().of("heart")


def test_two_files_of_one_case_are_refused(tmp_path, case):
    for ending in (".nii", ".nii.gz"):
        write_nifti(tmp_path / "given" / f"Patient_01{ending}", corner(value=2))
    with pytest.raises(DataError, match="more than one file"):
        case().of("heart")


def test_probabilities_and_links_out_of_the_folder_are_refused(tmp_path, case):
    path = write_nifti(tmp_path / "elsewhere.nii.gz", voxels().astype(np.float32) / 300)
    (tmp_path / "given" / "Patient_01.nii.gz").symlink_to(path)
    with pytest.raises(DataError, match="leads out"):
        case().of("heart")
    (tmp_path / "given" / "Patient_01.nii.gz").unlink()
    path.rename(tmp_path / "given" / "Patient_01.nii.gz")
    with pytest.raises(DataError, match="whole numbers"):
        case().of("heart")


def test_pictures(tmp_path):
    layouts.folder(tmp_path / "data", square())
    [item], _ = catalogue.index("folder", tmp_path / "data", None)
    (tmp_path / "given").mkdir()
    masks = CaseMasks(
        GivenMasks("tool", tmp_path / "given"), item, MaskGrid("images/a.png", picture().shape, None, np.eye(3)), True
    )
    with pytest.raises(DataError, match="no mask of this case"):
        masks.of("foreground")
    path = write_png(tmp_path / "given" / "a.png", square(1))
    assert masks.of("label 1").sum() == 6 and not masks.of("label 2").any()
    with pytest.raises(DataError, match="named 'mole'"):
        masks.of("mole")
    write_png(path, square(1, (9, 10)))
    with pytest.raises(DataError, match=r"given/a\.png: shape \(9, 10\) differs from \(8, 10\) of images/a\.png"):
        CaseMasks(GivenMasks("t", tmp_path / "given"), item, masks._grid, True).of("label 1")


def test_the_checksum_follows_names_and_contents(tmp_path):
    given = GivenMasks("tool", tmp_path)
    path = write_nifti(tmp_path / "a.nii.gz", corner())
    first = given.sha256()
    path = path.rename(tmp_path / "b.nii.gz")
    second = given.sha256()
    write_nifti(path, corner(value=2))
    assert len({first, second, given.sha256()}) == 3
    (tmp_path / "notes.txt").write_text("not a mask")
    assert given.sha256() == GivenMasks("other", tmp_path).sha256()
