import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench.data.case import DataError
from bench.data.reading.dicom import kind_of, read_series
from tests.helpers import dicom
from tests.helpers.dicom import save, series, slice_, stored
from tests.helpers.layouts import cut, write_png


def test_slices_are_sorted_by_position_and_their_distance_is_that_of_the_positions(tmp_path: Path) -> None:
    paths = series(tmp_path)
    read = read_series(sorted(paths))
    assert sorted(paths) != paths  # names are in another order
    assert list(read.paths) == paths
    assert read.volume.spacing_mm == (1.0, 2.0, 3.0)  # SliceThickness says 5
    np.testing.assert_array_equal(read.volume.voxels, stored().astype(int).transpose(2, 1, 0) - 50)
    assert read.volume.voxels.dtype == np.int16
    np.testing.assert_allclose(read.volume.affine[:3, 3], (-10, -20, 30))
    assert read.volume.warnings == ()


def test_a_series_that_runs_down_and_is_turned_comes_out_in_lps_order(tmp_path: Path) -> None:
    for number, values in enumerate(stored()):  # rows to the right, columns to anterior, slices downwards
        facts = {"ImageOrientationPatient": [-1, 0, 0, 0, -1, 0], "ImagePositionPatient": [14, 30, -3.0 * number]}
        save(tmp_path / f"{number}.dcm", slice_(number, values, **facts))
    read = read_series(sorted(tmp_path.iterdir()))
    expected = stored().astype(int).transpose(2, 1, 0)[::-1, ::-1, ::-1] - 50
    np.testing.assert_array_equal(read.volume.voxels, expected)
    np.testing.assert_allclose(read.volume.affine @ (0, 0, 0, 1), (-10, -20, -9, 1))


def test_sagittal_slices_lie_along_the_first_axis(tmp_path: Path) -> None:
    for number, values in enumerate(stored()):  # rows to posterior, columns downwards
        facts = {"ImageOrientationPatient": [0, 1, 0, 0, 0, -1], "ImagePositionPatient": [-5.0 * number, 0, 0]}
        save(tmp_path / f"{number}.dcm", slice_(number, values, **facts))
    read = read_series(sorted(tmp_path.iterdir()))
    assert read.volume.spacing_mm == (5.0, 1.0, 2.0)
    np.testing.assert_array_equal(read.volume.voxels, stored().astype(int).transpose(0, 2, 1)[::-1, :, ::-1] - 50)


@pytest.mark.parametrize(
    ("slope", "intercept", "kind"), [(2, -1024, np.int16), (0.5, 0, np.float32), (1000, 0, np.float32)]
)
def test_values_are_rescaled(tmp_path: Path, slope: float, intercept: float, kind: Any) -> None:
    read = read_series(series(tmp_path, RescaleSlope=slope, RescaleIntercept=intercept))
    assert read.volume.voxels.dtype == kind
    np.testing.assert_array_equal(read.volume.voxels, stored().astype(float).transpose(2, 1, 0) * slope + intercept)


def test_the_only_slice_takes_its_thickness_and_says_so(tmp_path: Path) -> None:
    read = read_series(series(tmp_path, stored(1)))
    assert read.volume.spacing_mm == (1.0, 2.0, 5.0)
    assert "the only slice; its thickness is taken as 5 mm" in read.volume.warnings[0]


@pytest.mark.parametrize(
    ("facts", "reason"),
    [
        ({"SeriesInstanceUID": "1.2.9"}, r"a mixed series: .*differ in SeriesInstanceUID 1\.2\.9 and 1\.2\.3\.1"),
        ({"ImageOrientationPatient": [0, 1, 0, 0, 0, -1]}, "a mixed series: .*orientation or pixel spacing"),
        ({"PixelSpacing": [1, 1]}, "a mixed series: .*orientation or pixel spacing"),
        ({"Rows": 3}, "a mixed series: .*Rows 3 and 6"),
        ({"ImagePositionPatient": [10, 20, 30]}, "000.dcm and .*002.dcm lie in one place: a slice is there twice"),
        ({"ImagePositionPatient": [10, 20, 38]}, "5 mm between .*, but 3 mm between others: slices are missing"),
        ({"ImagePositionPatient": [11, 20, 36]}, "002.dcm: shifted by .* mm within its plane"),
        ({"ImagePositionPatient": None}, "002.dcm: no slice in space"),
        ({"ImageOrientationPatient": [1, 0, 0, 1, 0, 0]}, "002.dcm: no slice in space"),
        ({"PixelSpacing": [0, 1]}, "002.dcm: no slice in space"),
        ({"RescaleSlope": 0}, "rescale slope 0"),
        ({"PhotometricInterpretation": "RGB"}, "PhotometricInterpretation RGB and MONOCHROME2"),
        ({"NumberOfFrames": 2}, "several frames in one file"),
        ({"Rows": 60000, "Columns": 60000}, "a mixed series"),
    ],
)
def test_series_that_are_none_are_refused(tmp_path: Path, facts: dict[str, Any], reason: str) -> None:
    paths = series(tmp_path)
    save(tmp_path / "002.dcm", slice_(2, stored()[2], **facts))
    with pytest.raises(DataError, match=reason):
        read_series(paths)


def test_a_missing_slice_is_told_by_its_place(tmp_path: Path) -> None:
    paths = series(tmp_path, stored(5), names="abcde")
    with pytest.raises(DataError, match=r"6 mm between .*/b and .*/d, but 3 mm between others"):
        read_series([path for path in paths if path.name != "c"])


def test_headers_that_ask_for_more_than_the_file_holds_are_refused(tmp_path: Path) -> None:
    paths = series(tmp_path, stored(2), Rows=60000, Columns=60000)
    with pytest.raises(DataError, match=r"cannot be read \(its header asks for 7,200,000,000 bytes"):
        read_series(paths)


def test_damaged_and_deflated_files_are_refused_by_name(tmp_path: Path) -> None:
    paths = series(tmp_path)
    cut(paths[1], 0.95)
    with pytest.raises(DataError, match=f"{paths[1].name}: cannot be read"):
        read_series(paths)
    raw = paths[0].read_bytes()
    paths[0].write_bytes(raw.replace(b"1.2.840.10008.1.2.1\0", b"1.2.840.10008.1.2.1.99\0"))
    with pytest.raises(DataError, match=f"{paths[0].name}: a deflated file"):
        read_series(paths)


def test_kinds_are_told_by_the_first_bytes(tmp_path: Path) -> None:
    images = series(tmp_path, names=["1.2.3", "b", "c.DCM", "d.ima"])
    masks = {"liver": np.ones(stored().shape, np.uint8)}
    assert {kind_of(path) for path in images} == {"image"}
    assert kind_of(dicom.segmentation(tmp_path / "seg", images, masks)) == "SEG"
    assert kind_of(dicom.structures(tmp_path / "rt.dcm", {})) == "RTSTRUCT"
    assert kind_of(write_png(tmp_path / "x.png", np.zeros((2, 2), np.uint8)).rename(tmp_path / "x.dcm")) == ""
    assert kind_of(tmp_path) == ""


def test_without_the_library_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    paths = series(tmp_path)
    monkeypatch.setitem(sys.modules, "pydicom", None)
    with pytest.raises(DataError, match=r"pip install 'segmote-bench\[dicom\]'"):
        read_series(paths)
