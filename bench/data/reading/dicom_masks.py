"""Masks of DICOM segmentations (SEG) and of structure sets (RTSTRUCT) on the slices of a series, by position."""

from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from bench.data.case import DataError, Mask
from bench.data.reading.dicom import UNREADABLE, Series, pixels, plane_affine
from bench.data.reading.opening import place

if TYPE_CHECKING:
    from pydicom import Dataset

ON_GRID = 0.1  # of a voxel, by which a frame or a contour may lie off the grid of the series
CLOSED = ("CLOSED_PLANAR", "CLOSEDPLANAR_XOR")

Found = tuple[dict[str, Mask], tuple[str, ...]]


def read_masks(path: Path, dataset: "Dataset", series: Series) -> Found:
    """The masks of an annotation file by name, in the LPS order of the series, and warnings.

    Raises:
        DataError: see `segments` and `contours`.
    """
    found = segments if "SegmentSequence" in dataset else contours
    try:
        masks, warnings = found(path, dataset, series)
    except DataError:
        raise
    except UNREADABLE as error:
        raise DataError(f"{place(path)}: cannot be read ({type(error).__name__}: {error})") from error
    return {name: series.turned(mask) for name, mask in masks.items()}, warnings


def segments(path: Path, dataset: "Dataset", series: Series) -> Found:
    """One mask (columns, rows, slices) per segment; segments may overlap.

    Each frame is placed by its own position and orientation, whatever the order of frames and files. Fractional
    segmentations, of probability or of occupancy, are foreground above half of their maximum.

    Raises:
        DataError: pixels are missing or damaged; a frame has no place, or lies between the pixels of the series.
    """
    names = _unique((int(one.SegmentNumber), str(one.get("SegmentLabel", ""))) for one in dataset.SegmentSequence)
    stored = pixels(path, dataset)
    fractional = dataset.SegmentationType == "FRACTIONAL"
    cut = float(dataset.get("MaximumFractionalValue", 255)) / 2 if fractional else 0.0
    masks = {name: np.zeros(series.shape, bool) for name in names.values()}
    outside = Counter[str]()
    for number, frame in enumerate(stored if stored.ndim > 2 else stored[None]):
        where = _indices(path, number, _frame_affine(dataset, number), frame.shape, series)
        for segment, inside in _parts(dataset, number, frame, cut):
            if segment not in names:
                raise DataError(f"{place(path)}: frame {number + 1} is of segment {segment}, which is not described")
            outside[names[segment]] += _set(masks[names[segment]], where, inside)
    said = [f"{place(path)}: {n} pixels of {name!r} lie outside of the series" for name, n in (+outside).items()]
    if fractional:
        said.append(f"{place(path)}: a fractional segmentation; foreground is what lies above {cut:g}")
    return masks, tuple(said)


def _unique(named: Iterable[tuple[int, str]]) -> dict[int, str]:
    """Names by number; those that are empty or given twice get their number."""
    given = dict(named)
    counts = Counter(name.strip().casefold() for name in given.values())
    return {
        number: name
        if name.strip() and counts[name.strip().casefold()] == 1
        else f"{name.strip() or 'segment'} {number}"
        for number, name in given.items()
    }


def _macro(dataset: "Dataset", number: int, name: str) -> Any:
    """Facts of a frame; those of all frames are stored once."""
    own = dataset.PerFrameFunctionalGroupsSequence[number]
    return getattr(own if name in own else dataset.SharedFunctionalGroupsSequence[0], name)[0]


def _parts(dataset: "Dataset", number: int, frame: NDArray[Any], cut: float) -> list[tuple[int, NDArray[np.bool_]]]:
    """Segment numbers of a frame with their pixels."""
    if dataset.SegmentationType == "LABELMAP":
        return [(int(segment), frame == segment) for segment in np.unique(frame[frame > 0])]
    found = _macro(dataset, number, "SegmentIdentificationSequence")
    return [(int(found.ReferencedSegmentNumber), frame > cut)]


def _frame_affine(dataset: "Dataset", number: int) -> NDArray[np.float64]:
    """From (column, row, 0) of a frame to the patient's millimetres."""
    return plane_affine(
        _macro(dataset, number, "PlanePositionSequence").ImagePositionPatient,
        _macro(dataset, number, "PlaneOrientationSequence").ImageOrientationPatient,
        _macro(dataset, number, "PixelMeasuresSequence").PixelSpacing,
    )


def _indices(
    path: Path, number: int, affine: NDArray[Any], shape: tuple[int, ...], series: Series
) -> NDArray[np.int64]:
    """(3, rows, columns): the voxel of the series on which each pixel of a frame lies.

    Raises:
        DataError: they lie between its voxels, or are turned or sized otherwise.
    """
    moved = np.linalg.inv(series.affine) @ affine
    steps = moved[:3, :2]
    rows, columns = shape
    pixel = np.stack(np.meshgrid(np.arange(rows), np.arange(columns), indexing="ij")[::-1])
    exact = np.tensordot(steps, pixel, 1) + moved[:3, 3][:, None, None]
    nearest: NDArray[np.int64] = np.rint(exact).astype(np.int64)
    off = float(np.abs(exact - nearest).max())
    if off > ON_GRID or not np.allclose(np.abs(steps).sum(axis=0), 1, atol=ON_GRID):
        raise DataError(
            f"{place(path)}: frame {number + 1} does not lie on the pixels of the series (up to {off:.2g} of a voxel "
            "off); resample the segmentation to the series first"
        )
    return nearest


def _set(mask: Mask, where: NDArray[np.int64], inside: NDArray[np.bool_]) -> int:
    """Set voxels in place; how many lie outside of the mask."""
    places = where[:, inside]
    fits = ((places >= 0) & (places < np.array(mask.shape)[:, None])).all(axis=0)
    mask[tuple(places[:, fits])] = True
    return int(np.count_nonzero(~fits))


def contours(path: Path, dataset: "Dataset", series: Series) -> Found:
    """One mask (columns, rows, slices) per region of interest that has contours.

    A pixel belongs to a contour if its centre lies inside of it or on it, by the even-odd rule. Contours of a region on
    one slice are combined by exclusive or: one inside of another is a hole.

    Raises:
        DataError: a contour does not lie in a slice's plane, or has no points.
    """
    given = {int(one.ROINumber): str(one.get("ROIName", "")) for one in dataset.StructureSetROISequence}
    regions = {int(one.ReferencedROINumber): one.get("ContourSequence") or [] for one in dataset.ROIContourSequence}
    names = _unique((number, given.get(number, "")) for number, found in regions.items() if found)
    masks: dict[str, Mask] = {}
    beyond, open_ = Counter[str](), Counter[str]()
    for number, name in names.items():
        masks[name], beyond[name], open_[name] = _region(path, name, regions[number], series)
    said = {"lie on slices that are not here": beyond, "are points or open lines; not read": open_}
    return masks, tuple(
        f"{place(path)}: {counts.total()} contours of {', '.join(map(repr, +counts))} {what}"
        for what, counts in said.items()
        if counts.total()
    )


def _region(path: Path, name: str, found: Any, series: Series) -> tuple[Mask, int, int]:
    """The mask of a region, and how many of its contours lie beyond the series or are not closed."""
    from skimage.draw import polygon  # noqa: PLC0415 - loads SciPy's image filters

    mask = np.zeros(series.shape, bool)
    to_voxels = np.linalg.inv(series.affine)
    beyond = open_ = 0
    for contour in found:
        if contour.ContourGeometricType not in CLOSED:
            open_ += 1
            continue
        points = np.array(contour.ContourData, float).reshape(-1, 3)
        columns, rows, heights = to_voxels[:3, :3] @ points.T + to_voxels[:3, 3:]
        height = int(np.rint(np.median(heights)))
        if not 0 <= height < series.shape[2]:
            beyond += 1
            continue
        if not (np.abs(heights - height) <= ON_GRID).all():
            off = float(np.abs(heights - height).max())
            raise DataError(f"{place(path)}: a contour of {name!r} lies up to {off:.2g} slices off the next slice")
        inside = polygon(rows, columns, (series.shape[1], series.shape[0]))
        mask[..., height].T[inside] ^= True
    return mask, beyond, open_


def referenced_series(dataset: "Dataset") -> Mapping[str, None]:
    """The series that an annotation names as its own, in their order."""
    if "SegmentSequence" in dataset:
        return {str(one.SeriesInstanceUID): None for one in dataset.get("ReferencedSeriesSequence") or []}
    return {
        str(series.SeriesInstanceUID): None
        for frame in dataset.get("ReferencedFrameOfReferenceSequence") or []
        for study in frame.get("RTReferencedStudySequence") or []
        for series in study.get("RTReferencedSeriesSequence") or []
    }
