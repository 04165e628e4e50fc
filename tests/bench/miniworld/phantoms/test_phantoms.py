"""The phantoms: official layouts, official readers, irregular outlines, the same bytes each time."""

import gzip
import json
import re
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from scipy import ndimage, sparse

from bench.data import datasets
from bench.data.case import Case, DataError, Defect, Item
from bench.miniworld.phantoms import medical_sample, shape_sample, write_medseg_hq, write_zero_shot, zero_shot
from bench.miniworld.phantoms.geometry import Both, Carved, Shrunk, Union, blob, tube
from bench.miniworld.phantoms.grid import SamplingGrid
from bench.miniworld.phantoms.medical import CLASSES, LEAST_PX, MODALITIES
from bench.miniworld.phantoms.medseg_hq import CODES
from bench.miniworld.phantoms.rendering import Part, composite, sample, visible
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


@pytest.mark.parametrize("modality", MODALITIES)
def test_training_samples_are_valid(modality):
    rng = np.random.default_rng(5)
    shapes, seen = set(), set()
    for _ in range(8):
        drawn = medical_sample(rng, modality)
        assert drawn.modality == modality
        assert drawn.image.dtype == np.uint8
        assert drawn.image.ndim == (3 if modality == "dermoscopy" else 2)
        assert all(96 <= side <= 160 for side in drawn.image.shape[:2])
        assert drawn.image.std() > 10
        for name, mask in drawn.masks.items():
            assert name in CLASSES[modality]
            assert mask.dtype == bool
            assert mask.shape == drawn.image.shape[:2]
            assert mask.sum() >= LEAST_PX
        shapes.add(drawn.image.shape[:2])
        seen |= set(drawn.masks)
    assert any(height != width for height, width in shapes)
    assert len(seen) >= min(len(CLASSES[modality]), 5) - 1


def test_training_samples_follow_the_generator():
    first, second = (medical_sample(np.random.default_rng(3)) for _ in range(2))
    assert first.modality == second.modality
    assert np.array_equal(first.image, second.image)
    assert first.masks.keys() == second.masks.keys()
    assert not np.array_equal(first.image, medical_sample(np.random.default_rng(4), first.modality).image)


def test_unknown_modality_is_refused():
    with pytest.raises(ValueError, match="PET"):
        medical_sample(np.random.default_rng(0), "PET")


def test_generic_shapes_are_visible_parts_of_objects():
    rng = np.random.default_rng(2)
    holes = 0
    for _ in range(20):
        drawn = shape_sample(rng)
        height, width = drawn.image.shape[:2]
        objects = [mask for name, mask in drawn.masks.items() if name.startswith("object")]
        assert drawn.image.dtype == np.uint8
        assert 128 <= height <= 256
        assert 128 <= width <= 256
        assert np.sum(objects, axis=0).max() <= 1, "objects do not share pixels"
        for name, mask in drawn.masks.items():
            assert mask.sum() >= 25
            if name.startswith("part"):
                assert not (mask & ~drawn.masks[f"object{name[4:]}"]).any()
        holes += sum(bool((ndimage.binary_fill_holes(mask) & ~mask).sum() > 9) for mask in objects)
    assert holes > 3


def test_generic_shapes_follow_the_generator():
    first, second = (shape_sample(np.random.default_rng(9)) for _ in range(2))
    assert np.array_equal(first.image, second.image)
    assert all(np.array_equal(first.masks[name], second.masks[name]) for name in first.masks)


@pytest.fixture(scope="module")
def medseg_hq(tmp_path_factory):
    folder = tmp_path_factory.mktemp("medseg-hq")
    write_medseg_hq(folder, images=12)
    return folder


@pytest.mark.parametrize("code", CODES)
def test_medseg_hq_is_read_by_the_imis_reader(medseg_hq, code):
    imis = datasets.load("imis")
    items = imis.index(medseg_hq / code)
    assert len(items) == 12
    assert all(isinstance(item, Item) for item in items)
    patients = {
        split: {item.patient for item in items if item.details["split"] == split} for split in ("train", "test")
    }
    assert len(patients["train"]) == 5
    assert len(patients["test"]) == 1
    assert not patients["train"] & patients["test"]
    case = imis.read(items[0])
    assert set(case.masks) <= set(CLASSES[CODES[code]])


def test_medseg_hq_labels_keep_the_stated_format(medseg_hq):
    listed = json.loads((medseg_hq / "PHANTOM_CT" / "dataset.json").read_text())
    item = listed["training"][0]
    shape = tuple(int(side) for side in re.search(r"\(([^)]*)\)\.npz$", item["label"]).group(1).split(","))
    matrix = sparse.load_npz(medseg_hq / "PHANTOM_CT" / item["label"])
    assert set(item) == {"image", "label"}
    assert matrix.format == "csr"
    assert matrix.dtype == np.int32
    assert matrix.shape == (shape[0], shape[1] * shape[2])
    assert shape[0] == len(listed["labels"]) - 1
    assert listed["numTraining"] == len(listed["training"])


def test_medseg_hq_is_the_same_byte_for_byte(medseg_hq, tmp_path):
    write_medseg_hq(tmp_path, images=12)
    paths = [path.relative_to(tmp_path) for path in tmp_path.rglob("*") if path.is_file()]
    assert len(paths) == len(CODES) * (12 * 2 + 1)
    assert all((tmp_path / path).read_bytes() == (medseg_hq / path).read_bytes() for path in paths)


def test_too_few_images_for_a_test_list_are_refused(tmp_path):
    with pytest.raises(ValueError, match="at least 12"):
        write_medseg_hq(tmp_path, images=4)


def test_shapes_combine_as_sets():
    rng = np.random.default_rng(0)
    grid = SamplingGrid.picture(80, 120)
    points = grid.points((slice(0, 80), slice(0, 120)))
    one, two = blob(rng, (-20, 0), (40, 25)), tube(rng, [(-40, -30), (0, 0), (60, 40)], [10, 14, 9])
    a, b = one.distance(points) < 0, two.distance(points) < 0
    assert np.array_equal(Both(one, two).distance(points) < 0, a & b)
    assert np.array_equal(Carved(one, two).distance(points) < 0, a & ~b)
    assert np.array_equal(Union([one, two]).distance(points) < 0, a | b)
    assert (Shrunk(one, 5).distance(points) < 0).sum() < a.sum()


def test_bounds_hold_the_shape():
    rng = np.random.default_rng(1)
    grid = SamplingGrid.picture(160, 160)
    for _ in range(30):
        shape = blob(rng, rng.uniform(-30, 30, 2), rng.uniform(10, 40, 2), 0.2, rng.uniform(0, 180), 3.0)
        points = grid.points((slice(0, 160), slice(0, 160)))
        inside = points[:, shape.distance(points) < 0]
        lower, upper = shape.bounds
        assert (inside.min(1) >= lower).all()
        assert (inside.max(1) <= upper).all()


def test_edges_are_partly_filled_and_later_parts_cover():
    rng = np.random.default_rng(0)
    grid = SamplingGrid.picture(60, 60)
    parts = [Part("a", blob(rng, (0, 0), (60, 60), 0), "first"), Part("b", blob(rng, (50, 0), (30, 30), 0), "second")]
    layers = sample(parts, grid)
    image = composite(layers, {"air": 0, "a": 100, "b": 200}, grid.shape)
    masks = visible(layers, ["first", "second"], grid.shape)
    assert ((image > 5) & (image < 95)).any(), "partial volume at the rim"
    assert not (masks["first"] & masks["second"]).any()
    assert image[masks["second"]].mean() > 180
