import gzip
import tracemalloc
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from nibabel.orientations import axcodes2ornt, ornt_transform

from bench.data.case import DataError
from bench.data.reading.nifti import (
    Volume,
    displacement_mm,
    label_on_grid,
    read_label_volume,
    read_volume,
    resample,
    stored_order,
)
from tests.helpers.layouts import (
    SHAPE,
    corner,
    cut,
    cut_inside,
    finer_grid,
    lps_affine,
    spoil_checksum,
    voxels,
    write_nifti,
)


@pytest.mark.parametrize("codes", ["LPS", "RAS", "LAS", "PSR", "SLA", "IPL"])
def test_any_axis_order_is_turned_to_lps_without_moving_a_voxel(tmp_path: Path, codes: str) -> None:
    path = write_nifti(tmp_path / "x.nii.gz", voxels(), codes=codes)
    volume = read_volume(path)
    np.testing.assert_array_equal(volume.voxels, voxels())
    np.testing.assert_allclose(volume.affine, lps_affine(), atol=1e-5)
    assert volume.spacing_mm == pytest.approx((2, 1, 3))
    assert volume.voxels.dtype == np.int16
    assert volume.warnings == ()


def test_an_oblique_volume_keeps_its_rotation(tmp_path: Path) -> None:
    angle = np.deg2rad(20)
    rotation = np.eye(4)
    rotation[1:3, 1:3] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    volume = read_volume(write_nifti(tmp_path / "x.nii", voxels(), rotation @ lps_affine(), codes="RAS"))
    np.testing.assert_array_equal(volume.voxels, voxels())
    np.testing.assert_allclose(volume.affine, rotation @ lps_affine(), atol=1e-4)
    assert volume.spacing_mm == pytest.approx((2, 1, 3), abs=1e-5)


def test_each_voxel_keeps_its_place_in_space(tmp_path: Path) -> None:
    affine = np.array([[0, 0, 5, 1], [-2, 0.1, 0, 2], [0, 3, 0, 4], [0, 0, 0, 1]], float)
    nib.save(nib.Nifti1Image(voxels(), affine), tmp_path / "x.nii")
    volume = read_volume(tmp_path / "x.nii")
    for index in [(0, 0, 0), (5, 6, 4), (1, 2, 3)]:
        here = np.argwhere(volume.voxels == voxels()[index])[0]
        np.testing.assert_allclose(volume.affine @ [*here, 1], affine @ [*index, 1], atol=1e-2)


@pytest.mark.parametrize("spoil", [spoil_checksum, cut, cut_inside, lambda path: path.write_bytes(b"")])
def test_a_damaged_file_fails_with_its_name(tmp_path: Path, spoil) -> None:
    path = write_nifti(tmp_path / "s0864" / "ct.nii.gz", voxels())
    spoil(path)
    with pytest.raises(DataError, match=r"s0864/ct\.nii\.gz: cannot be read") as caught:
        read_volume(path)
    assert caught.value.kind == "failed"


@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_no_damage_to_a_header_escapes_as_another_error(tmp_path: Path, data: st.DataObject) -> None:
    path = write_nifti(tmp_path / "x.nii", voxels())
    raw = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 8))):
        raw[data.draw(st.integers(0, 351))] = data.draw(st.integers(0, 255))
    path.write_bytes(bytes(raw))
    try:
        volume = read_volume(path)
    except DataError:
        return
    assert volume.voxels.ndim == 3
    assert np.isfinite(volume.affine).all()


def test_a_header_that_asks_for_too_much_memory_is_damage(tmp_path: Path) -> None:
    path = write_nifti(tmp_path / "x.nii", voxels())
    raw = bytearray(path.read_bytes())
    raw[40:56] = np.array([3, 30000, 30000, 30000, 1, 1, 1, 1], np.int16).tobytes()
    path.write_bytes(bytes(raw))
    with pytest.raises(DataError, match=r"x\.nii: cannot be read"):
        read_volume(path)


def test_an_unpacked_file_with_a_packed_name_is_read(tmp_path: Path) -> None:
    path = write_nifti(tmp_path / "x.nii.gz", voxels())
    path.write_bytes(gzip.decompress(path.read_bytes()))
    np.testing.assert_array_equal(read_volume(path).voxels, voxels())


def test_nifti_2_is_read(tmp_path: Path) -> None:
    nib.save(nib.Nifti2Image(voxels(), lps_affine()), tmp_path / "x.nii.gz")
    np.testing.assert_array_equal(read_volume(tmp_path / "x.nii.gz").voxels, voxels())


def test_four_dimensions_fail_with_the_shape_and_the_way_out(tmp_path: Path) -> None:
    nib.save(nib.Nifti1Image(np.zeros((4, 4, 4, 30), np.int16), lps_affine()), tmp_path / "p_4d.nii.gz")
    with pytest.raises(DataError, match=r"p_4d.*\(4, 4, 4, 30\).*choose one channel or frame.*four_to_three"):
        read_volume(tmp_path / "p_4d.nii.gz")


def test_a_fourth_axis_of_length_one_is_dropped(tmp_path: Path) -> None:
    nib.save(nib.Nifti1Image(voxels()[..., None], lps_affine()), tmp_path / "x.nii")
    assert read_volume(tmp_path / "x.nii").voxels.shape == SHAPE


def test_colour_voxels_fail(tmp_path: Path) -> None:
    rgb = np.zeros((3, 3, 3), [("R", "u1"), ("G", "u1"), ("B", "u1")])
    nib.save(nib.Nifti1Image(rgb, np.eye(4)), tmp_path / "x.nii")
    with pytest.raises(DataError, match="one real number"):
        read_volume(tmp_path / "x.nii")


def test_spacing_is_the_zooms_where_the_sform_has_unit_scale(tmp_path: Path) -> None:
    image = nib.Nifti1Image(voxels(), np.diag([-1, -1, 1, 1]))
    image.set_qform(np.diag([-1.5, -1.25, 10, 1]), 1)
    nib.save(image, tmp_path / "x.nii.gz")
    volume = read_volume(tmp_path / "x.nii.gz")
    assert volume.spacing_mm == (1.5, 1.25, 10)
    np.testing.assert_allclose(np.diag(volume.affine), [-1.5, -1.25, 10, 1])
    assert "sform has voxel size" in volume.warnings[0]


def test_a_qform_elsewhere_is_warned_of(tmp_path: Path) -> None:
    image = nib.Nifti1Image(voxels(), lps_affine())
    moved = lps_affine()
    moved[0, 3] += 4
    image.set_qform(moved, 1)
    nib.save(image, tmp_path / "x.nii")
    (warning,) = read_volume(tmp_path / "x.nii").warnings
    assert warning.endswith("x.nii: sform and qform differ by up to 4 mm: took the sform")


def test_a_file_without_orientation_is_warned_of(tmp_path: Path) -> None:
    nib.save(nib.Nifti1Image(voxels(), None), tmp_path / "x.nii")
    assert "no orientation stored" in read_volume(tmp_path / "x.nii").warnings[0]


def test_voxels_that_are_no_numbers_take_the_lowest_value(tmp_path: Path) -> None:
    values = voxels().astype(np.float64) - 100
    values[0, 0, 0], values[1, 1, 1] = np.nan, np.inf
    volume = read_volume(write_nifti(tmp_path / "x.nii", values))
    assert volume.voxels.dtype == np.float32
    assert volume.voxels[0, 0, 0] == volume.voxels[1, 1, 1] == -98
    assert "2 values are not finite; set to -98" in volume.warnings[0]


def test_nothing_but_nan_fails(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no value is a finite number"):
        read_volume(write_nifti(tmp_path / "x.nii", np.full(SHAPE, np.nan, np.float32)))


def volume(array: np.ndarray, affine: np.ndarray) -> Volume:
    return Volume(Path("f/x.nii"), array, (2, 1, 3), affine, np.array([[0, 1], [1, 1], [2, 1]]), ())


def test_unequal_shapes_are_never_compared() -> None:
    image, label = volume(voxels(), lps_affine()), volume(voxels((6, 7, 4)), lps_affine())
    with pytest.raises(DataError, match=r"\(6, 7, 4\) differs from \(6, 7, 5\)") as caught:
        label_on_grid(image, label)
    assert caught.value.kind == "failed"


@pytest.mark.parametrize(("shift_mm", "warned"), [(0.05, False), (0.2, True), (40, True)])
def test_a_shifted_affine_is_warned_of_above_a_tenth_of_a_voxel(shift_mm: float, warned: bool) -> None:
    moved = lps_affine()
    moved[2, 3] += shift_mm
    pair = volume(voxels(), lps_affine()), volume(voxels(), moved)
    _, warnings = label_on_grid(*pair, trust_arrays=True)
    assert (f"by up to {shift_mm:g} mm" in "".join(warnings)) == warned
    if warned:
        with pytest.raises(DataError, match=f"by up to {shift_mm:g} mm.*--trust-arrays"):
            label_on_grid(*pair)
    else:
        assert label_on_grid(*pair)[1] == ()


def test_displacement_is_that_of_the_farthest_corner() -> None:
    wider = np.diag([-2.1, -1, 3, 1.0])
    assert displacement_mm(np.diag([-2, -1, 3, 1.0]), wider, (11, 5, 5)) == pytest.approx(1.0)


def test_resampling_a_linear_ramp_is_exact_and_nan_outside() -> None:
    ramp, fine = finer_grid()
    target = volume(voxels(), lps_affine())
    moved = resample(volume(ramp, fine), target)
    i, j, k = np.indices(SHAPE)
    np.testing.assert_allclose(moved, i + 10 * j + 100 * k, rtol=1e-5)
    far = lps_affine()
    far[2, 3] += 3
    outside = resample(volume(ramp, fine), volume(voxels(), far))
    assert np.isnan(outside[..., -1]).all()
    np.testing.assert_allclose(outside[..., :-1], moved[..., 1:], rtol=1e-5)


def test_resampling_onto_itself_changes_nothing() -> None:
    source = volume(voxels().astype(np.float32), lps_affine())
    np.testing.assert_array_equal(resample(source, source), source.voxels)


def test_volumes_apart_fail() -> None:
    far = lps_affine()
    far[0, 3] += 1000
    with pytest.raises(DataError, match="do not overlap"):
        resample(volume(voxels(), lps_affine()), volume(voxels(), far))


@pytest.mark.parametrize("codes", ["RAS", "PSR", "ILA"])
def test_trusted_arrays_match_as_they_are_stored(tmp_path: Path, codes: str) -> None:
    stored = corner()
    nib.save(nib.Nifti1Image(np.where(stored, 200, -100).astype(np.int16), lps_affine()), tmp_path / "i.nii")
    turn = ornt_transform(axcodes2ornt(tuple(codes)), axcodes2ornt(("R", "A", "S")))
    affine = np.eye(4)[[*turn[:, 0].astype(int), 3]]
    nib.save(nib.Nifti1Image(stored, affine), tmp_path / "m.nii")
    image, label = read_volume(tmp_path / "i.nii"), read_label_volume(tmp_path / "m.nii")
    voxels, (warning,) = label_on_grid(image, label, trust_arrays=True)
    np.testing.assert_array_equal(image.voxels == 200, voxels == 1)
    assert "the stored arrays are taken to match voxel by voxel, both turned by the image's header" in warning
    with pytest.raises(DataError, match="--trust-arrays"):
        label_on_grid(image, label)


def test_headers_that_agree_are_heeded_though_arrays_are_trusted(tmp_path: Path) -> None:
    image = read_volume(write_nifti(tmp_path / "i.nii", voxels()))
    label = read_label_volume(write_nifti(tmp_path / "m.nii", voxels(), codes="PSR"))
    found, warnings = label_on_grid(image, label, trust_arrays=True)
    np.testing.assert_array_equal(found, voxels())
    assert warnings == ()


def test_trusted_arrays_of_another_stored_shape_fail() -> None:
    image, label = volume(voxels(), lps_affine()), volume(voxels((6, 7, 4)), lps_affine())
    with pytest.raises(DataError, match=r"stored arrays do not match either: \(6, 7, 4\) and \(6, 7, 5\)"):
        label_on_grid(image, label, trust_arrays=True)


@pytest.mark.parametrize(("unit", "side"), [("micron", 500.0), ("mm", 0.5), ("meter", 0.0005), ("unknown", 0.5)])
def test_units_of_the_header_are_heeded(tmp_path: Path, unit: str, side: float) -> None:
    image = nib.Nifti1Image(voxels(), np.diag([-side, -side, side, 1]))
    image.header.set_xyzt_units(unit)
    nib.save(image, tmp_path / "x.nii")
    found = read_volume(tmp_path / "x.nii")
    assert found.spacing_mm == (0.5, 0.5, 0.5)
    np.testing.assert_allclose(np.diag(found.affine), [-0.5, -0.5, 0.5, 1])
    assert found.warnings == ()


@pytest.mark.parametrize(("unit", "side"), [("mm", 500.0), ("unknown", 0.0005), ("meter", 1.0)])
def test_voxels_of_an_unusual_size_are_warned_of(tmp_path: Path, unit: str, side: float) -> None:
    image = nib.Nifti1Image(voxels(), np.diag([-side, -side, side, 1]))
    image.header.set_xyzt_units(unit)
    nib.save(image, tmp_path / "x.nii")
    assert f"unit of the header: {unit}; distances depend on it" in read_volume(tmp_path / "x.nii").warnings[0]


def test_spacings_have_the_digits_of_the_header(tmp_path: Path) -> None:
    nib.save(nib.Nifti1Image(voxels(), np.diag([-0.4, -0.7, 1.1, 1])), tmp_path / "x.nii")
    assert read_volume(tmp_path / "x.nii").spacing_mm == (0.4, 0.7, 1.1)


def test_big_endian_voxels_take_the_order_of_the_machine(tmp_path: Path) -> None:
    header = nib.Nifti1Header(endianness=">")
    header.set_data_dtype(">i2")
    nib.save(nib.Nifti1Image(voxels().astype(">i2"), lps_affine(), header), tmp_path / "x.nii.gz")
    found = read_volume(tmp_path / "x.nii.gz").voxels
    np.testing.assert_array_equal(found, voxels())
    assert found.dtype.isnative


def test_a_packed_header_is_held_against_its_file_before_anything_is_allocated(tmp_path: Path) -> None:
    path = write_nifti(tmp_path / "x.nii.gz", voxels())
    raw = bytearray(gzip.decompress(path.read_bytes()))
    raw[40:48] = np.array([3, 3000, 3000, 300], np.int16).tobytes()
    path.write_bytes(gzip.compress(bytes(raw)))
    with pytest.raises(DataError, match=r"its header asks for 5,400,000,352 bytes, the file has"):
        read_volume(path)


def test_a_packed_file_that_goes_on_behind_its_voxels_fails(tmp_path: Path) -> None:
    path = write_nifti(tmp_path / "x.nii.gz", voxels())
    path.write_bytes(gzip.compress(gzip.decompress(path.read_bytes()) + bytes(2**26 + 2000)))
    with pytest.raises(DataError, match="behind its last voxel"):
        read_volume(path)


@pytest.mark.parametrize("rest", [0, np.nan])
def test_labels_of_nothing_but_nan_and_0_fail(tmp_path: Path, rest: float) -> None:
    values = np.where(corner(), np.nan, rest).astype(np.float32)
    with pytest.raises(DataError, match=r"values are no number \(NaN\) and all others are 0"):
        read_label_volume(write_nifti(tmp_path / "x.nii", values))


def test_nan_in_labels_is_background_and_infinite_labels_fail(tmp_path: Path) -> None:
    values = np.where(corner(), 1, np.nan).astype(np.float32)
    label = read_label_volume(write_nifti(tmp_path / "x.nii", values))
    np.testing.assert_array_equal(label.voxels, corner())
    assert "204 values are no number; taken as background" in label.warnings[0]
    values[0, 0, 0] = np.inf
    with pytest.raises(DataError, match="1 infinite values"):
        read_label_volume(write_nifti(tmp_path / "x.nii", values))


def test_the_header_says_where_the_file_stores_its_voxels(tmp_path):
    path = write_nifti(tmp_path / "a.nii.gz", voxels(), codes="ASR")
    volume = read_volume(path)
    np.testing.assert_array_equal(stored_order(volume.voxels, volume.header.turn), nib.load(path).dataobj)
    assert volume.header.fields["pixdim"][1:4] == tuple(nib.load(path).header["pixdim"][1:4].tolist())
    assert "descrip" not in volume.header.fields


@pytest.mark.parametrize("ending", ["nii", "nii.gz"])
def test_a_long_extension_of_the_header_is_passed_over(tmp_path: Path, ending: str) -> None:
    image = nib.Nifti1Image(voxels(), lps_affine())
    image.header.extensions.append(nib.nifti1.Nifti1Extension("comment", b"names of classes " * 1000))
    nib.save(image, tmp_path / f"x.{ending}")
    np.testing.assert_array_equal(read_volume(tmp_path / f"x.{ending}").voxels, voxels())


def test_a_small_unpacked_file_takes_little_memory(tmp_path: Path) -> None:
    path = write_nifti(tmp_path / "x.nii", voxels())
    read_volume(path)  # loads what is loaded once
    tracemalloc.start()
    read_volume(path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2**20
