import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.data.case import Case, DataError
from bench.data.slicing import plane, samples, slicing_axis, stretch, to_uint8
from bench.protocols import PROTOCOLS, Protocol

BENCH = PROTOCOLS["bench"]


def volume(image: np.ndarray, spacing=(1.0, 1.0, 3.0), modality="MR", **masks) -> Case:
    return Case("set", "p", "c", modality, image, masks, spacing, np.eye(4))


def test_ct_is_windowed_in_hounsfield_units():
    image = np.array([-1000, -160, 40, 240, 3000], np.int16).reshape(5, 1, 1)
    assert to_uint8(image, "CT", "window").ravel().tolist() == [0, 0, 128, 255, 255]


def test_mr_percentiles_are_of_the_body_alone_and_background_stays_zero():
    body = np.linspace(100, 200, 1001)
    image = np.concatenate([np.zeros(5000), [-7.0], body])[:, None, None]
    mapped = to_uint8(image, "MR", "window").ravel()
    assert mapped[:5001].max() == 0
    low, high = np.percentile(body, (0.5, 99.5))
    assert mapped[-1] == 255 and mapped[5001 + 500] == round((150 - low) / (high - low) * 255)


def test_minmax_takes_the_whole_range():
    image = np.array([-1000, 0, 1000], np.int16).reshape(3, 1, 1)
    assert to_uint8(image, "CT", "minmax").ravel().tolist() == [0, 128, 255]


def test_pictures_of_bytes_stay_as_they_are_but_volumes_of_bytes_are_mapped():
    picture = np.arange(12, dtype=np.uint8).reshape(2, 2, 3)
    mask = np.ones((2, 2), bool)
    case = Case("set", "p", "c", "dermoscopy", picture, {"mole": mask}, (1.0, 1.0), None)
    assert np.array_equal(next(samples(case, BENCH)).image, picture)
    three_slices = np.array([[10, 20]], np.uint8)[..., None].repeat(3, axis=2)
    found = samples(volume(three_slices, liver=np.ones((1, 2, 3), bool)), PROTOCOLS["segmote"])
    assert sorted(np.unique(next(found).image)) == [0, 255]


def by_floats(image, modality, rule):
    """The mapping as it is defined, without a table."""
    values = image.astype(np.float32)
    if rule == "minmax":
        low, high = float(values.min()), float(values.max())
    elif modality == "CT":
        low, high = -160.0, 240.0
    else:
        low, high = map(float, np.percentile(values[values > 0], (0.5, 99.5)))
    mapped = (np.clip(values, low, high) - low) * (255.0 / (high - low))
    if rule == "window" and modality != "CT":
        mapped[values == 0] = 0
    return np.round(mapped).astype(np.uint8)


@pytest.mark.parametrize("dtype", [np.int16, np.uint16, np.int8, np.uint8])
@pytest.mark.parametrize("modality", ["CT", "MR"])
@pytest.mark.parametrize("rule", ["window", "minmax"])
def test_the_table_of_whole_numbers_is_the_mapping_of_floats_to_the_bit(dtype, modality, rule):
    """All values of the type, then volumes whose range is another one each time."""
    limits = np.iinfo(dtype)
    every = np.arange(limits.min, limits.max + 1).astype(dtype)
    rng = np.random.default_rng(0)
    ends = np.sort(rng.integers(limits.min, limits.max + 1, (20, 2)), axis=1)
    parts = [every, *(every[first - limits.min : last - limits.min + 1] for first, last in ends)]
    for part in (part for part in parts if (part > 0).sum() > 1 and len(part) > 1):
        image = np.repeat(part, rng.integers(1, 4, len(part)))[:, None, None]
        mapped = to_uint8(image, modality, rule)
        np.testing.assert_array_equal(mapped, by_floats(image, modality, rule))
        np.testing.assert_array_equal(mapped, to_uint8(image.astype(np.float64), modality, rule))


def test_whole_numbers_are_looked_up(monkeypatch):
    """The table is made of as many values as the type has, however many voxels there are."""
    mapped = []
    real = np.nan_to_num
    monkeypatch.setattr(np, "nan_to_num", lambda values: mapped.append(values.size) or real(values))
    to_uint8(np.zeros((50, 50, 50), np.int16), "CT", "window")
    assert mapped == [2**16]


def test_bytes_in_foreign_order_are_mapped_too():
    image = np.array([-160, 40, 240], ">i2").reshape(3, 1, 1)
    assert to_uint8(image, "CT", "window").ravel().tolist() == [0, 128, 255]


def test_nan_voxels_do_not_spread():
    image = np.array([np.nan, 1, 2, 3], np.float32).reshape(4, 1, 1)
    assert to_uint8(image, "MR", "minmax").ravel().tolist() == [0, 85, 170, 255]


@pytest.mark.parametrize("rule", ["window", "minmax"])
def test_constant_volume_is_a_defect_with_its_value(rule):
    with pytest.raises(DataError, match=r"at 7|at 0"):
        to_uint8(np.full((2, 2, 2), 7.0), "MR", rule)


def test_planes_are_radiological():
    lps = np.zeros((4, 5, 6), np.int32)
    lps[3, 0, 5] = 1  # the patient's left, anterior, superior
    assert plane(lps, 2, 5)[0, 3] == 1  # axial: right of the picture, top
    assert plane(lps, 1, 0)[0, 3] == 1  # coronal: right of the picture, top
    assert plane(lps, 0, 3)[0, 0] == 1  # sagittal: anterior on the left, top


def test_acquisition_plane_lies_across_the_largest_spacing():
    rule = Protocol("x", "test", axis="acquisition")
    image = np.zeros((2, 3, 4))
    assert slicing_axis(volume(image, (1.0, 5.0, 1.0)), rule) == 1
    assert slicing_axis(volume(image, (1.0, 1.0, 1.0)), rule) == 2
    assert slicing_axis(volume(image, (1.0, 5.0, 1.0)), BENCH) == 2


def test_only_slices_with_a_target_are_cut():
    image = np.random.default_rng(0).random((6, 7, 5))
    liver, kidney = np.zeros((2, 6, 7, 5), bool)
    liver[1, 2, 1] = liver[2, 2, 3] = kidney[0, 0, 3] = True
    found = list(samples(volume(image, (0.5, 0.7, 3.0), liver=liver, kidney=kidney), BENCH))
    assert [(s.slice, sorted(s.targets)) for s in found] == [(1, ["liver"]), (3, ["kidney", "liver"])]
    assert found[0].image.shape == (7, 6) and found[0].spacing_mm == (0.7, 0.5)
    assert np.argwhere(found[0].targets["liver"]).tolist() == [[2, 1]]


def test_picture_is_one_sample():
    mask = np.zeros((4, 6), bool)
    mask[1, 2] = True
    case = Case("set", "p", "c", "X-ray", np.zeros((4, 6, 3), np.uint8), {"lung": mask}, (1.0, 1.0), None)
    (sample,) = samples(case, BENCH)
    assert sample.slice == 0 and sample.image.shape == (4, 6, 3) and sample.targets["lung"][1, 2]


def test_working_resolution_stretches_image_and_targets():
    mask = np.zeros((40, 60), bool)
    mask[10:20, 30:45] = True
    case = Case("set", "p", "c", "X-ray", np.zeros((40, 60), np.uint8), {"lung": mask}, (1.0, 1.0), None)
    (sample,) = samples(case, PROTOCOLS["segmote"])
    assert sample.image.shape == (512, 512) and sample.native["lung"].shape == (40, 60)
    rows, columns = np.nonzero(sample.targets["lung"])
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (128, 255, 256, 383)


def test_components_become_targets_of_their_own_in_raster_order():
    mask = np.zeros((6, 6, 2), bool)
    mask[4:6, 0:2, 0] = mask[0, 3, 0] = mask[0, 0, 1] = True  # planes are transposed: column 4 comes before row 3
    rule = Protocol("x", "test", component="each")
    first, second = samples(volume(np.random.default_rng(0).random((6, 6, 2)), lesion=mask), rule)
    assert {name: int(one.sum()) for name, one in first.native.items()} == {"lesion#1": 4, "lesion#2": 1}
    assert first.native["lesion#1"][0, 4] and list(second.native) == ["lesion#1"]


def test_all_slices_hold_all_targets_where_everything_is_asked_for():
    mask = np.zeros((4, 4, 3), bool)
    mask[1, 1, 1] = True
    case = volume(np.random.default_rng(0).random((4, 4, 3)), lesion=mask)
    assert [sample.slice for sample in samples(case, BENCH)] == [1]
    found = list(samples(case, BENCH, everything=True))
    assert [int(sample.native["lesion"].sum()) for sample in found] == [0, 1, 0]
    stretched = next(samples(case, PROTOCOLS["segmote"], everything=True))
    assert stretched.targets["lesion"].shape == (512, 512)
    assert (found[0].slice_mm, found[0].slices) == (3.0, 3)


def test_stretch_takes_the_pixel_below_each_centre() -> None:
    mask = np.array([[True, False, False, True]])
    assert stretch(mask, (1, 2)).tolist() == [[False, True]]
    assert stretch(mask, (2, 8)).tolist() == [[True, True, False, False, False, False, True, True]] * 2


@given(st.integers(1, 40), st.integers(1, 40), st.integers(1, 4))
def test_stretch_is_undone_after_enlarging(height: int, width: int, factor: int) -> None:
    mask = np.random.default_rng(height).random((height, width)) < 0.5
    large = stretch(mask, (height * factor, width * factor))
    assert large.sum() == mask.sum() * factor**2
    np.testing.assert_array_equal(stretch(large, (height, width)), mask)


def test_stretch_image() -> None:
    image = np.zeros((4, 8, 3), np.uint8)
    image[:, 4:] = 255
    stretched = stretch(image, (8, 8))
    assert stretched.shape == (8, 8, 3)
    assert (stretched[:, :4] == 0).all()
    assert (stretched[:, 4:] == 255).all()
    assert stretch(image[..., 0], (2, 2)).tolist() == [[0, 255], [0, 255]]
