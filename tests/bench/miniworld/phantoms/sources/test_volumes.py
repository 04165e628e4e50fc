"""The sources in NIfTI, each read by its own reader."""

import nibabel as nib
import numpy as np
import pytest

from bench.data import catalogue
from bench.data.datasets import load
from bench.miniworld.phantoms.sources import volumes
from bench.miniworld.phantoms.sources.stacks import Stack

WRITE = {
    "btcv": volumes.write_btcv,
    "amos-ct": volumes.write_amos,
    "amos-mri": volumes.write_amos,
    "word": volumes.write_word,
    "totalsegmentator-ct": volumes.write_totalsegmentator,
    "acdc": volumes.write_acdc,
}
CASES = {
    "btcv": ["btcv_0001", "btcv_0002", "btcv_0003"],
    "amos-ct": ["amos_0004", "amos_0007", "amos_0010"],
    "amos-mri": ["amos_0507", "amos_0508", "amos_0509"],
    "word": ["word_0002", "word_0003", "word_0004"],
    "totalsegmentator-ct": ["s0011", "s0018", "s0025"],
    "acdc": [f"patient{number:03}_frame{frame:02}" for number in (1, 2, 3) for frame in (1, 12)],
}
PEOPLE, SLICES = 3, 2


@pytest.fixture(scope="module")
def roots(tmp_path_factory):
    made = {}
    for write in dict.fromkeys(WRITE.values()):
        made[write] = tmp_path_factory.mktemp(write.__name__)
        write(made[write], 5, PEOPLE, SLICES)
    return {name: made[write] for name, write in WRITE.items()}


@pytest.mark.parametrize("name", WRITE)
def test_the_reader_of_the_release_finds_all_people_and_no_defect(roots, name):
    items, defects = catalogue.index(name, roots[name], None)
    assert [item.case for item in items] == CASES[name] and defects == []
    assert len({item.patient for item in items}) == PEOPLE
    for item in items:
        case = catalogue.read(item)
        assert not case.warnings and case.image.shape[2] == SLICES
        assert case.modality == load(name).modality


@pytest.mark.parametrize("name", WRITE)
def test_organs_lie_where_they_belong_by_the_readers_names(roots, name):
    found = [catalogue.read(item).masks for item in catalogue.index(name, roots[name], None)[0]]
    masks = {
        target: [np.argwhere(one[target]).mean(0) for one in found if target in one] for one in found for target in one
    }
    middle = {target: np.mean(places, 0) for target, places in masks.items()}
    if name == "acdc":
        assert middle["right_ventricle"][0] < middle["left_ventricle"][0], "LPS: the index grows to the left"
    else:
        assert middle["liver"][0] < middle["pancreas"][0] < middle["spleen"][0]
        assert middle["kidney_right"][0] < middle["kidney_left"][0]
        assert middle["kidney_left"][1] > middle["pancreas"][1], "and to the back"
        assert ("aorta" in middle) == (name != "word")


def test_amos_comes_with_its_list_and_what_macos_packs(roots):
    root = roots["amos-ct"]
    assert len(list(root.rglob("._amos_*.nii.gz"))) == 2 * PEOPLE
    assert not list(load("msd").find(root))


def test_word_and_totalsegmentator_have_their_splits(roots):
    splits = {item.details["split"] for item in catalogue.index("word", roots["word"], None)[0]}
    assert splits == {"train", "val"}
    (root,) = load("totalsegmentator-ct").find(roots["totalsegmentator-ct"])
    assert load("totalsegmentator-ct").release(root).name == "v2"
    empty = root / "s0011/segmentations/vertebrae_S1.nii.gz"
    assert not np.asanyarray(nib.load(empty).dataobj).any()


def test_the_series_of_acdc_holds_both_frames(roots):
    folder = roots["acdc"] / "ACDC/database/training/patient001"
    assert nib.load(folder / "patient001_4d.nii.gz").shape == (volumes.CINE_SIDE, volumes.CINE_SIDE, SLICES, 2)


@pytest.mark.parametrize("axes", ["LPS", "RAS", "LAS"])
def test_axes_of_a_file_point_as_told(axes):
    image = np.arange(24.0).reshape(2, 3, 4)
    turned = volumes.oriented(image, axes)
    affine = volumes.placed(turned.shape, (1, 1, 1), axes)
    back = nib.as_closest_canonical(nib.Nifti1Image(turned, affine)).get_fdata()
    np.testing.assert_array_equal(back[::-1, ::-1].swapaxes(0, 1), image)


def test_numbers_are_those_of_the_releases():
    for name, numbers in (
        ("btcv", volumes.BTCV_NUMBERS),
        ("amos-ct", volumes.AMOS_NUMBERS),
        ("word", volumes.WORD_NUMBERS),
    ):
        table = load(name).labels
        assert {organ: (number,) for organ, number in numbers.items()}.items() <= table.items()
    mask = np.zeros((2, 2, 1), bool)
    mask[0, 0] = True
    made = Stack(np.zeros((2, 2, 1), np.float32), {"liver": mask, "aorta": ~mask})
    assert volumes.label_map(made, {"liver": 3})[..., 0].tolist() == [[3, 0], [0, 0]]


def test_a_seed_decides_every_byte(roots, tmp_path):
    volumes.write_btcv(tmp_path / "same", 5, 1, SLICES)
    volumes.write_btcv(tmp_path / "other", 6, 1, SLICES)
    place = "RawData/Training/img/img0001.nii.gz"
    first, same, other = (root / place for root in (roots["btcv"], tmp_path / "same", tmp_path / "other"))
    assert first.read_bytes() == same.read_bytes() != other.read_bytes()
