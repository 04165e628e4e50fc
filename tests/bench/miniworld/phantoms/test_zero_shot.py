"""The three zero-shot sets: official layouts, official readers, irregular outlines, the same bytes each time."""

import gzip
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from scipy import ndimage

from bench.data import datasets
from bench.data.case import Case, DataError, Defect, Item
from bench.miniworld.phantoms import write_zero_shot, zero_shot
from bench.miniworld.phantoms.seeding import generator

SETS = {"isles2022": "isles2022", "segthor": "segthor", "totalsegmentator-mri": "totalsegmentator_mri"}
EIGHT = np.ones((3, 3))


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    folder = tmp_path_factory.mktemp("phantoms")
    write_zero_shot(folder)
    return folder


@pytest.fixture(scope="module")
def cases(root) -> dict[str, list[Case]]:
    return {name: [_read(name, item) for item in _items(root, name) if _evaluable(name, item)] for name in SETS}


def _items(root: Path, name: str) -> list[Item]:
    (found,) = datasets.load(name).find(root / SETS[name])
    return [entry for entry in datasets.load(name).index(found) if isinstance(entry, Item)]


def _read(name: str, item: Item) -> Case:
    return datasets.load(name).read(item)


def _evaluable(name: str, item: Item) -> bool:
    return item.case not in ("sub-strokecase0004", "s0026")


def _slices(case: Case):
    for name, mask in case.masks.items():
        for index in np.flatnonzero(mask.any((0, 1))):
            yield name, mask[:, :, index]


def _inscribed_ellipse_dice(mask: np.ndarray) -> float:
    rows, columns = (np.flatnonzero(mask.any(axis)) for axis in (1, 0))
    box = mask[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    y, x = ((np.arange(size) + 0.5) / size * 2 - 1 for size in box.shape)
    ellipse = y[:, None] ** 2 + x**2 <= 1
    return 2 * (ellipse & box).sum() / (ellipse.sum() + box.sum())


def _components(mask: np.ndarray):
    labels, count = ndimage.label(mask, EIGHT)
    return (labels == number for number in range(1, count + 1))


@pytest.mark.parametrize("name", SETS)
def test_official_readers_find_six_patients_and_their_classes(cases, name):
    expected = {target for row in datasets.load(name).rows.values() for target in row}
    assert len({case.patient for case in cases[name]}) >= 6
    assert {target for case in cases[name] for target in case.masks} == expected
    assert all(not case.warnings for case in cases[name])


def test_the_three_sets_are_small_enough_for_a_demo(cases):
    every = [case for found in cases.values() for case in found]
    slices = sum(int(np.any([mask.any((0, 1)) for mask in case.masks.values()], axis=0).sum()) for case in every)
    pairs = sum(1 for case in every for _ in _slices(case))
    assert 190 <= slices <= 260
    assert 900 <= pairs <= 1300


@pytest.mark.parametrize("name", SETS)
def test_outlines_are_not_ellipses(cases, name):
    masks = [mask for case in cases[name] for _, mask in _slices(case)]
    whole = np.mean([_inscribed_ellipse_dice(mask) for mask in masks])
    parts = np.mean([_inscribed_ellipse_dice(part) for mask in masks for part in _components(mask)])
    assert 0.6 < whole < 0.8
    assert parts < 0.88


@pytest.mark.parametrize("name", ["segthor", "totalsegmentator-mri"])
def test_organs_are_absent_from_some_slices(cases, name):
    for case in cases[name]:
        assert any(not mask.any((0, 1)).all() for mask in case.masks.values())
        assert any(mask.any((0, 1)).sum() > 3 for mask in case.masks.values())


def test_a_stroke_patient_without_lesion_is_skipped(root):
    (item,) = [item for item in _items(root, "isles2022") if item.case == "sub-strokecase0004"]
    with pytest.raises(DataError, match="empty mask") as caught:
        _read("isles2022", item)
    assert caught.value.kind == "skipped"


def test_stroke_files_have_the_releases_quirks(root):
    session = root / "isles2022" / "sub-strokecase0003" / "ses-0001"
    dwi, adc = (nib.load(session / "dwi" / f"sub-strokecase0003_ses-0001_{token}.nii.gz") for token in ("dwi", "adc"))
    flair = nib.load(session / "anat" / "sub-strokecase0003_ses-0001_FLAIR.nii.gz")
    mask = nib.load(root / "isles2022/derivatives/sub-strokecase0003/ses-0001/sub-strokecase0003_ses-0001_msk.nii.gz")
    assert mask.get_data_dtype() == np.uint16
    assert dwi.shape == adc.shape == mask.shape != flair.shape
    assert np.allclose(dwi.affine, mask.affine)
    assert "".join(nib.aff2axcodes(dwi.affine)) == "LAS"
    assert np.count_nonzero(np.abs(dwi.affine[:3, :3]) > 0.05) > 3, "the affine is oblique"
    assert dwi.get_fdata().min() < 0
    assert flair.header.get_zooms()[0] < dwi.header.get_zooms()[0]


def test_adc_units_differ_between_patients(root):
    peaks = [nib.load(path).get_fdata().max() for path in sorted((root / "isles2022").rglob("*_adc.nii.gz"))]
    assert sum(peak > 1000 for peak in peaks) == 1
    assert sum(peak < 10 for peak in peaks) == len(peaks) - 1


def test_flair_is_brought_to_the_masks_grid(root):
    dataset = datasets.load("isles2022-flair")
    ratios = []
    for item in dataset.index(root / "isles2022"):
        if _evaluable("isles2022", item):
            case = dataset.read(item)
            (lesion,) = case.masks.values()
            brain = (case.image > 200) & ~lesion
            ratios.append(case.image[lesion].mean() / case.image[brain].mean())
    assert len(ratios) == 6
    assert np.mean(ratios) > 1.2, "hardly so if the mask were laid over FLAIR by index"


def test_lesions_are_bright_on_dwi_and_dark_on_adc(root, cases):
    adc = {item.case: item for item in datasets.load("isles2022-adc").index(root / "isles2022")}
    for case in cases["isles2022"]:
        (lesion,) = case.masks.values()
        diffusion = datasets.load("isles2022-adc").read(adc[case.case]).image
        brain = (case.image > np.percentile(case.image, 70)) & ~lesion
        assert case.image[lesion].mean() > 1.3 * case.image[brain].mean()
        assert diffusion[lesion].mean() < 0.8 * diffusion[brain].mean()


def test_chest_labels_lie_where_they_belong(cases):
    for case in cases["segthor"]:
        centre = {name: np.argwhere(mask).mean(0) for name, mask in case.masks.items()}
        assert case.image[case.masks["trachea"]].mean() < -700
        assert case.image[case.masks["aorta"]].mean() > 80
        assert centre["trachea"][2] > centre["heart"][2], "the trachea lies above the heart"
        assert centre["esophagus"][1] > centre["heart"][1], "and the esophagus behind it"
        assert centre["heart"][0] > case.image.shape[0] / 2, "the heart on the left"


def test_trachea_and_esophagus_touch(cases):
    for case in cases["segthor"]:
        near = ndimage.binary_dilation(case.masks["trachea"], iterations=2)
        assert (near & case.masks["esophagus"]).any()


def test_test_chest_has_no_labels(root):
    assert (root / "segthor" / "test" / "Patient_41.nii.gz").is_file()
    entries = datasets.load("segthor").index(root / "segthor")
    assert any(isinstance(entry, Defect) and "41" in entry.case for entry in entries)


def test_abdominal_sides_are_the_patients(cases):
    for case in cases["totalsegmentator-mri"]:
        left, right = (np.argwhere(case.masks[f"kidney_{side}"]).mean(0)[0] for side in ("left", "right"))
        liver, spleen = (np.argwhere(case.masks[name]).mean(0)[0] for name in ("liver", "spleen"))
        assert left > right, "LPS: the index grows to the left"
        assert spleen > liver


def test_abdominal_geometry_is_mixed(root):
    images = [nib.load(path) for path in sorted((root / "totalsegmentator_mri").glob("s*/mri.nii.gz"))]
    axes = {"".join(nib.aff2axcodes(image.affine)) for image in images}
    thickest = {nib.aff2axcodes(image.affine)[int(np.argmax(image.header.get_zooms()))] for image in images}
    assert axes >= {"LPS", "RAS", "LAS"}
    assert thickest == {"S", "P"}, "axial stacks and a coronal one"


def test_a_subject_has_only_empty_masks_and_every_subject_all_files(root):
    for folder in (root / "totalsegmentator_mri").glob("s*"):
        paths = list((folder / "segmentations").glob("*.nii.gz"))
        assert len(paths) == 18
        empty = all(not np.asanyarray(nib.load(path).dataobj).any() for path in paths)
        assert empty == (folder.name == "s0026")


def test_meta_is_separated_by_semicolons(root):
    lines = (root / "totalsegmentator_mri" / "meta.csv").read_text().splitlines()
    assert lines[0].startswith("image_id;age;gender")
    assert len({line.count(";") for line in lines}) == 1
    assert {item.details["split"] for item in _items(root, "totalsegmentator-mri")} == {"train", "test"}


def test_a_patient_alone_is_the_same_patient_byte_for_byte(root, tmp_path):
    zero_shot._write_stroke(tmp_path / "isles2022", 7, zero_shot.LESIONS[7], generator(0, "isles2022", "7"))
    zero_shot._write_chest(tmp_path / "segthor", 5, generator(0, "segthor", "5"))
    zero_shot._write_abdomen(tmp_path / "totalsegmentator_mri", 8, generator(0, "totalsegmentator_mri", "8"))
    written = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert len(written) == 4 + 2 + 19
    for path in written:
        assert path.read_bytes() == (root / path.relative_to(tmp_path)).read_bytes()


def test_another_seed_is_another_patient(root, tmp_path):
    zero_shot._write_chest(tmp_path, 5, generator(1, "segthor", "5"))
    path = Path("train") / "Patient_05" / "GT.nii.gz"
    assert gzip.decompress((tmp_path / path).read_bytes()) != gzip.decompress((root / "segthor" / path).read_bytes())
