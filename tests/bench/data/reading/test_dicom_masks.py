from pathlib import Path
from typing import Any

import highdicom as hd
import numpy as np
import pytest
from pydicom import dcmread

from bench.data.case import DataError
from bench.data.reading.dicom import read_dataset, read_series
from bench.data.reading.dicom_masks import read_masks
from tests.helpers import dicom
from tests.helpers.dicom import rectangle, segmentation, series, stored, structures
from tests.helpers.layouts import Array


def masks(path: Path, images: list[Path]) -> tuple[dict[str, Array], tuple[str, ...]]:
    return read_masks(path, read_dataset(path), read_series(images))


def block(*corner: int) -> Array:
    """One voxel at (slice, row, column) and the next ones of its row and of its column."""
    mask = np.zeros(stored().shape, np.uint8)
    mask[corner] = mask[corner[0], corner[1], corner[2] + 1] = mask[corner[0], corner[1] + 1, corner[2]] = 1
    return mask


def in_lps(mask: Array) -> Array:
    return mask.transpose(2, 1, 0) > 0


def test_overlapping_segments_are_kept_apart(tmp_path: Path) -> None:
    images = series(tmp_path / "ct")
    first, second = block(1, 2, 3), block(1, 2, 3) | block(3, 0, 0)
    found, warnings = masks(segmentation(tmp_path / "seg.dcm", images, {"liver": first, "vessel": second}), images)
    assert warnings == () and list(found) == ["liver", "vessel"]
    np.testing.assert_array_equal(found["liver"], in_lps(first))
    np.testing.assert_array_equal(found["vessel"], in_lps(second))


def test_frames_go_by_their_place_in_whatever_order_they_are_stored(tmp_path: Path) -> None:
    images = series(tmp_path / "ct")
    mask = block(0, 2, 3) | block(2, 0, 0)
    path = segmentation(tmp_path / "seg.dcm", images[::-1], {"liver": mask[::-1]})
    np.testing.assert_array_equal(masks(path, images)[0]["liver"], in_lps(mask))
    made = dcmread(path)  # frames of empty slices are omitted: of four slices two frames are left
    assert made.NumberOfFrames == 2
    stored_frames = np.packbits(made.pixel_array[::-1].ravel(), bitorder="little")
    made.PixelData = stored_frames.tobytes() + b"\0" * (len(stored_frames) % 2)
    made.PerFrameFunctionalGroupsSequence = list(made.PerFrameFunctionalGroupsSequence)[::-1]
    made.save_as(path)
    np.testing.assert_array_equal(masks(path, images)[0]["liver"], in_lps(mask))


def test_a_frame_that_is_stored_mirrored_is_turned(tmp_path: Path) -> None:
    images = series(tmp_path / "ct")
    mask = block(1, 2, 3)
    made = dcmread(segmentation(tmp_path / "seg.dcm", images, {"liver": mask[:, :, ::-1]}))
    made.SharedFunctionalGroupsSequence[0].PlaneOrientationSequence[0].ImageOrientationPatient = [-1, 0, 0, 0, 1, 0]
    for groups in made.PerFrameFunctionalGroupsSequence:
        x, y, z = groups.PlanePositionSequence[0].ImagePositionPatient
        groups.PlanePositionSequence[0].ImagePositionPatient = [x + dicom.COLUMNS - 1, y, z]
    made.save_as(tmp_path / "seg.dcm")
    np.testing.assert_array_equal(masks(tmp_path / "seg.dcm", images)[0]["liver"], in_lps(mask))


def test_fractional_segments_are_cut_above_half_with_a_warning(tmp_path: Path) -> None:
    images = series(tmp_path / "ct")
    values = np.zeros(stored().shape)
    values[1, 0, :3] = 0.25, 0.5, 0.75
    path = segmentation(
        tmp_path / "seg.dcm", images, {"liver": values}, "FRACTIONAL", fractional_type="PROBABILITY",
        max_fractional_value=200,
    )  # fmt: skip
    found, (warning,) = masks(path, images)
    assert np.argwhere(found["liver"]).tolist() == [[2, 0, 1]]
    assert warning.endswith("seg.dcm: a fractional segmentation; foreground is what lies above 100")


def test_a_label_map_has_its_segments_by_number(tmp_path: Path) -> None:
    images = series(tmp_path / "ct")
    parts = {"liver": block(0, 0, 0), "spleen": block(2, 2, 2)}
    found, _ = masks(segmentation(tmp_path / "seg.dcm", images, parts, "LABELMAP"), images)
    for name, mask in parts.items():
        np.testing.assert_array_equal(found[name], in_lps(mask))


def test_segments_of_one_name_get_their_number(tmp_path: Path) -> None:
    images = series(tmp_path / "ct")
    made = dcmread(
        segmentation(tmp_path / "seg.dcm", images, {"a": block(0, 0, 0), "b": block(1, 0, 0), "c": block(2, 0, 0)})
    )
    for segment, label in zip(made.SegmentSequence, ("Lesion", "lesion", " "), strict=True):
        segment.SegmentLabel = label
    made.save_as(tmp_path / "seg.dcm")
    assert list(masks(tmp_path / "seg.dcm", images)[0]) == ["Lesion 1", "lesion 2", "segment 3"]


def test_what_lies_outside_of_the_slices_that_are_here_is_said(tmp_path: Path) -> None:
    images = series(tmp_path / "ct")
    path = segmentation(tmp_path / "seg.dcm", images, {"liver": block(0, 0, 0) | block(3, 0, 0)})
    found, (warning,) = masks(path, images[:3])
    assert found["liver"].sum() == 3 and "3 pixels of 'liver' lie outside of the series" in warning


@pytest.mark.parametrize("move", [(0, 0, 1.0), (0.4, 0, 0)])
def test_frames_between_slices_or_pixels_fail(tmp_path: Path, move: tuple[float, float, float]) -> None:
    images = series(tmp_path / "ct")
    made = dcmread(segmentation(tmp_path / "seg.dcm", images, {"liver": block(0, 0, 0)}))
    place = made.PerFrameFunctionalGroupsSequence[0].PlanePositionSequence[0]
    place.ImagePositionPatient = [a + b for a, b in zip(place.ImagePositionPatient, move, strict=True)]
    made.save_as(tmp_path / "seg.dcm")
    with pytest.raises(DataError, match=r"seg\.dcm: frame 1 does not lie on the pixels of the series"):
        masks(tmp_path / "seg.dcm", images)


def test_segments_are_those_that_highdicom_reads(tmp_path: Path) -> None:
    images = series(tmp_path / "ct")
    rng = np.random.default_rng(0)
    parts = {name: (rng.random(stored().shape) > 0.5).astype(np.uint8) for name in ("a", "b")}
    path = segmentation(tmp_path / "seg.dcm", images, parts)
    theirs = (
        hd.seg.segread(path).get_volume().match_geometry(hd.get_volume_from_series([dcmread(one) for one in images]))
    )
    ours, _ = masks(path, images)
    upwards = theirs.affine[2, 0] > 0
    for number, name in enumerate(parts):
        array = theirs.array[..., number] if upwards else theirs.array[::-1, ..., number]
        np.testing.assert_array_equal(ours[name], in_lps(array))


def test_a_pixel_is_inside_of_a_contour_if_its_centre_is(tmp_path: Path) -> None:
    images = series(tmp_path / "ct")
    regions = {
        "edges": [rectangle(0.6, 0.6, 3.4, 4.4, 1)],  # around the centres of columns 1..3 and rows 1..4
        "centres": [rectangle(1, 1, 3, 4, 2)],  # through centres, which belong to it
    }
    found, warnings = masks(structures(tmp_path / "rt.dcm", regions), images)
    for name, height in (("edges", 1), ("centres", 2)):
        expected = np.zeros((5, 6, 4), bool)
        expected[1:4, 1:5, height] = True
        np.testing.assert_array_equal(found[name], expected)
    assert warnings == ()


def test_a_contour_inside_of_another_is_a_hole_and_one_beside_it_a_part(tmp_path: Path) -> None:
    images = series(tmp_path / "ct")
    contours = [rectangle(-0.4, -0.4, 2.4, 2.4, 0), rectangle(0.6, 0.6, 1.4, 1.4, 0), rectangle(3.6, 4.6, 4.4, 5.4, 0)]
    found, _ = masks(structures(tmp_path / "rt.dcm", {"ring": contours}), images)
    expected = np.zeros((5, 6, 4), bool)
    expected[:3, :3, 0], expected[1, 1, 0], expected[4, 5, 0] = True, False, True
    np.testing.assert_array_equal(found["ring"], expected)


def test_contours_that_cannot_be_drawn_are_said_and_empty_regions_are_none(tmp_path: Path) -> None:
    images = series(tmp_path / "ct")
    regions: dict[str, Any] = {"liver": [rectangle(0, 0, 2, 2, 0), rectangle(0, 0, 2, 2, 9)], "empty": []}
    found, (warning,) = masks(structures(tmp_path / "rt.dcm", regions), images)
    assert found.keys() == {"liver"} and "1 contours of 'liver' lie on slices that are not here" in warning
    found, (warning,) = masks(
        structures(tmp_path / "rt.dcm", {"line": [rectangle(0, 0, 2, 2, 0)]}, "OPEN_PLANAR"), images
    )
    assert not found["line"].any() and "1 contours of 'line' are points or open lines; not read" in warning


def test_contours_between_slices_fail(tmp_path: Path) -> None:
    images = series(tmp_path / "ct")
    path = structures(tmp_path / "rt.dcm", {"liver": [rectangle(0, 0, 2, 2, 0.4)]})
    with pytest.raises(DataError, match=r"rt\.dcm: a contour of 'liver' lies up to 0\.4 slices off"):
        masks(path, images)
