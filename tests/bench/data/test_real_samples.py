"""The readers on real files, and on the phantoms that are written in the real layouts."""

import gzip
from pathlib import Path

import numpy as np
import pytest

from bench.data import datasets
from bench.data.case import Case, Item
from bench.data.check import check
from bench.data.reading.dicom import read_series
from bench.data.reading.nifti import read_label_volume
from bench.data.reading.volumes import label_on_grid
from bench.miniworld import folders


@pytest.fixture(scope="module")
def data(shared: Path) -> Path:
    folder = shared / "data"
    if not folder.is_dir():
        pytest.skip(f"needs the real samples: {folder} does not exist")
    return folder


def usable(name: str, root: Path) -> list[Item]:
    return [entry for entry in datasets.load(name).index(root) if isinstance(entry, Item)]


def only_case(name: str, root: Path) -> Case:
    (item,) = usable(name, root)
    return datasets.load(name).read(item)


@pytest.mark.shared
@pytest.mark.parametrize("name", ["isles2022", "isles2022-adc", "isles2022-flair"])
def test_isles_case_0009_and_two_orphan_masks(data: Path, name: str) -> None:
    report = check(name, data)
    assert report.cases == ("sub-strokecase0009",)
    assert report.classes["ischemic stroke lesion"].largest == 523
    assert [(defect.case[-4:], defect.kind) for defect in report.defects] == [("0002", "skipped"), ("0003", "skipped")]
    assert report.warnings == ()


@pytest.mark.shared
def test_isles_flair_matches_the_brain_of_the_dwi(data: Path) -> None:
    dwi, flair = (only_case(name, data / "isles2022") for name in ("isles2022", "isles2022-flair"))
    assert flair.image.shape == dwi.image.shape == (112, 112, 73)
    np.testing.assert_allclose(flair.affine, dwi.affine, atol=1e-4)
    brains = [case.image > np.percentile(case.image, 70) for case in (dwi, flair)]
    dice = 2 * np.count_nonzero(brains[0] & brains[1]) / sum(map(np.count_nonzero, brains))
    mirrored = 2 * np.count_nonzero(brains[0] & brains[1][:, :, ::-1]) / sum(map(np.count_nonzero, brains))
    assert dice > 0.9
    assert dice > mirrored + 0.1


@pytest.mark.shared
def test_totalsegmentator_mri_has_the_15_classes(data: Path) -> None:
    case = only_case("totalsegmentator-mri", data / "totalsegmentator_mri")
    assert len(case.masks) == 15
    assert case.masks["liver"].sum() == 18480
    left, right = (np.argwhere(case.masks[f"kidney_{side}"])[:, 0].mean() for side in ("left", "right"))
    assert left > right


@pytest.mark.shared
def test_totalsegmentator_ct_has_41_classes_and_keeps_the_split(data: Path) -> None:
    dataset = datasets.load("totalsegmentator-ct")
    (item,) = dataset.index(data / "totalsegmentator_ct")
    assert isinstance(item, Item)
    assert (len(item.files), item.details["split"]) == (118, "test")
    case = dataset.read(item)
    assert len(case.masks) == 41
    assert np.argwhere(case.masks["liver"])[:, 0].mean() < np.argwhere(case.masks["spleen"])[:, 0].mean()


@pytest.mark.shared
def test_segthor_layout(data: Path) -> None:
    case = only_case("segthor", data / "segthor_layout")
    assert {name: int(mask.sum()) for name, mask in case.masks.items()} == {"heart": 198166, "aorta": 72810}
    assert case.spacing_mm == (1.5, 1.5, 1.5)


@pytest.mark.shared
def test_imis_btcv(data: Path) -> None:
    report = check("imis", data)
    assert len(report.cases) == 58
    assert [(defect.case, defect.kind) for defect in report.defects] == [("ABD_008_100", "skipped")]
    items = [entry for entry in datasets.load("imis").index(data / "imis_btcv/BTCV") if isinstance(entry, Item)]
    assert len({item.patient for item in items}) == 18
    assert len(report.classes) == 13


@pytest.mark.shared
def test_sam_med2d_demo(data: Path) -> None:
    report = check("sam-med2d", data)
    assert report.cases == ("amos_0004_75", "s0114_111")
    assert [defect.case for defect in report.defects] == ["amos_0507_31"]
    assert len(report.classes) == 17
    assert report.classes["liver"].largest == 3012


@pytest.mark.shared
def test_plain_folders(data: Path) -> None:
    report = check("folder", data)
    assert len(report.cases) == 3 + 21 + 7
    assert report.defects == ()
    assert report.classes.keys() == {
        "foreground",
        "LeftVentricle",
        "LeftVentricularMyocardium",
        "RightVentricle",
        "PancreaticMass",
    }
    assert [case for case, _ in report.warnings] == ["mri_prostate_finetunesam/RUNMC03_12"]
    items = datasets.load("folder").index(data / "huang_cosmos/test_data/22_Heart")
    assert {item.patient for item in items} == {"22_Heart_2", "22_Heart_3", "22_Heart_4"}


@pytest.mark.shared
def test_chaos_ct_has_the_liver_on_the_liver(data: Path) -> None:
    case = only_case("chaos-ct", data / "chaos_ct")
    assert (case.patient, case.image.shape, case.masks.keys()) == ("chaos_ct_3", (512, 512, 12), {"liver"})
    liver = case.masks["liver"]
    spread = {name: case.image[mask].std() for name, mask in (("here", liver), ("next", np.roll(liver, 1, axis=2)))}
    assert liver.sum() == 407913 and spread["here"] < 0.95 * spread["next"]
    assert 80 < case.image[liver].mean() < 160  # a contrast-enhanced liver in Hounsfield units


@pytest.mark.shared
def test_dicom_segmentations_are_those_of_other_readers(data: Path) -> None:
    cases = {item.case: datasets.load("dicom").read(item) for item in usable("dicom", data / "dicom_seg_dcmqi")}
    assert {case: len(one.masks) for case, one in cases.items()} == {"liver": 1, "partial_overlaps": 5}
    header, _, packed = (data / "dicom_seg_dcmqi/liver_seg.nrrd").read_bytes().partition(b"\n\n")
    assert b"space directions: (0.8" in header and b"(0,0,1)" in header  # stored in LPS order
    theirs = np.frombuffer(gzip.decompress(packed), "<i2").reshape(512, 512, 3, order="F")
    np.testing.assert_array_equal(cases["liver"].masks["Liver"], theirs > 0)
    parts = list(cases["partial_overlaps"].masks.values())
    assert np.sum(parts, axis=0).max() > 1  # they overlap
    assert cases["liver"].spacing_mm == (0.810547, 0.810547, 1.0)  # SliceThickness says 1.25


@pytest.mark.shared
def test_the_body_of_a_structure_set_is_the_body(data: Path) -> None:
    case = only_case("dicom", data / "dicom_rtstruct_dicompyler")
    assert {name: int(mask.sum()) for name, mask in case.masks.items()} == {"BODY": 40396}
    body = case.masks["BODY"]
    assert (case.image[body] > -300).mean() > 0.97 and (case.image[~body] < -300).mean() > 0.98
    assert "437 contours of 'BODY', 'Borders'" in case.warnings[1]


@pytest.mark.shared
def test_a_segmentation_of_a_series_that_is_not_there_is_skipped(data: Path) -> None:
    report = check("dicom", data / "dicom_seg_highdicom")
    assert report.cases == ("seg_image_ct_binary_single_frame",)
    assert [defect.kind for defect in report.defects] == ["skipped", "skipped"]


@pytest.mark.shared
def test_a_series_without_endings_has_the_distance_of_its_positions(data: Path) -> None:
    series = read_series(sorted((data / "totalsegmentator_ct_dicom/DICOM").iterdir()))
    assert series.volume.spacing_mm == (0.9765625, 0.9765625, 2.0)  # SliceThickness says 3
    label = read_label_volume(data / "totalsegmentator_ct_dicom/example_seg_dicom.nii.gz")
    voxels, _ = label_on_grid(series.volume, label)
    inside = series.volume.voxels[(voxels > 0) & (voxels <= 5)]  # spleen, kidneys, gallbladder, liver
    assert inside.size > 1000 and -20 < np.median(inside) < 200


@pytest.mark.shared
def test_an_archive_of_medsam2_is_turned_by_its_direction(data: Path) -> None:
    case = only_case("medsam-npz", data / "medsam2_npz")
    assert (case.image.shape, case.masks["label 1"].sum()) == ((512, 512, 16), 11697)
    np.testing.assert_allclose(case.spacing_mm, (0.314453, 0.314453, 5))
    table = case.image[:, -40:].mean()  # the image is of the front of the chest: air above, lungs and aorta below
    assert case.image[:, :80].mean() < 1 < table


@pytest.mark.parametrize("name", ["isles2022", "isles2022-adc", "isles2022-flair", "segthor", "totalsegmentator-mri"])
def test_phantoms_are_read_without_failures(name: str) -> None:
    report = check(name, folders.phantom_data())
    assert report.cases
    assert report.failed == 0
    targets = {target for names in datasets.load(name).rows.values() for target in names}
    assert report.classes.keys() == targets
