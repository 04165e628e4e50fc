"""Tiny DICOM series, segmentations and structure sets."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import highdicom as hd
import numpy as np
from pydicom import Dataset, dcmread
from pydicom.dataset import FileMetaDataset
from pydicom.sr.codedict import codes
from pydicom.uid import UID, CTImageStorage, ExplicitVRLittleEndian, RTStructureSetStorage, generate_uid

from tests.helpers.layouts import Array

ROWS, COLUMNS = 6, 5
SERIES, FRAME, STUDY = "1.2.3.1", "1.2.3.2", "1.2.3.3"
BETWEEN_ROWS, BETWEEN_COLUMNS, BETWEEN_SLICES = 2.0, 1.0, 3.0
FIRST = (10.0, 20.0, 30.0)


def stored(count: int = 4) -> Array:
    """Distinct values, (slices, rows, columns), by which any flip or wrong order shows."""
    return np.arange(count * ROWS * COLUMNS, dtype=np.uint16).reshape(count, ROWS, COLUMNS)


def dataset(kind: UID, uid: str, **facts: Any) -> Dataset:
    """A data set that can be saved, with what all kinds of files have."""
    made = Dataset()
    made.file_meta = FileMetaDataset()
    made.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    made.SOPClassUID, made.SOPInstanceUID = kind, uid
    made.StudyInstanceUID, made.FrameOfReferenceUID, made.PatientID = STUDY, FRAME, "person"
    made.PatientName, made.PatientBirthDate, made.PatientSex, made.AccessionNumber = "x^", "", "", ""
    made.StudyID, made.StudyDate, made.StudyTime, made.ReferringPhysicianName = "", "", "", ""
    for name, value in facts.items():
        setattr(made, name, value)
    return made


def slice_(number: int, values: Array, **facts: Any) -> Dataset:
    """One CT slice; the thickness that it states is not the distance of the slices."""
    made = dataset(CTImageStorage, f"{SERIES}.{number + 1}", SeriesInstanceUID=SERIES, Modality="CT")
    made.Rows, made.Columns = values.shape
    made.SamplesPerPixel, made.PhotometricInterpretation, made.PixelRepresentation = 1, "MONOCHROME2", 0
    made.BitsAllocated, made.BitsStored, made.HighBit = 16, 16, 15
    made.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    made.ImagePositionPatient = [*FIRST[:2], FIRST[2] + BETWEEN_SLICES * number]
    made.PixelSpacing, made.SliceThickness = [BETWEEN_ROWS, BETWEEN_COLUMNS], 5
    made.RescaleSlope, made.RescaleIntercept, made.InstanceNumber = 1, -50, 100 - number
    made.PixelData = values.astype("<u2").tobytes()
    for name, value in facts.items():
        setattr(made, name, value)
    return made


def save(path: Path, made: Dataset) -> Path:
    """Write a file of the format with its preamble."""
    path.parent.mkdir(parents=True, exist_ok=True)
    made.save_as(path, enforce_file_format=True)
    return path


def series(folder: Path, values: Array | None = None, names: Sequence[str] = (), **facts: Any) -> list[Path]:
    """Slices from below to above, under names that are in no order of theirs unless some are given."""
    values = stored() if values is None else values
    names = names or [f"{number * 7 % 4 + number // 4 * 4:03}.dcm" for number in range(len(values))]
    return [
        save(folder / name, slice_(n, one, **facts)) for n, (name, one) in enumerate(zip(names, values, strict=True))
    ]


def segmentation(
    path: Path, images: Sequence[Path], masks: Mapping[str, Array], kind: str = "BINARY", **options: Any
) -> Path:
    """A SEG file of masks (slices, rows, columns), in the order of the images."""
    described = [
        hd.seg.SegmentDescription(
            number, name, codes.SCT.Organ, codes.SCT.Liver, hd.seg.SegmentAlgorithmTypeValues.MANUAL
        )
        for number, name in enumerate(masks, 1)
    ]
    made = hd.seg.Segmentation(
        [dcmread(image) for image in images],
        np.stack(list(masks.values()), axis=-1),
        kind,
        described,
        generate_uid(),
        1,
        generate_uid(),
        1,
        "x",
        "x",
        "1",
        "1",
        **options,
    )
    made.save_as(path)
    return path


def structures(path: Path, regions: Mapping[str, Sequence[Array]], kind: str = "CLOSED_PLANAR", **facts: Any) -> Path:
    """An RTSTRUCT file of regions, each of contours (N, 3) in the patient's millimetres."""
    made = dataset(RTStructureSetStorage, generate_uid(), SeriesInstanceUID="1.2.3.9", Modality="RTSTRUCT")
    named, drawn = [], []
    for number, (name, contours) in enumerate(regions.items(), 1):
        one, roi = Dataset(), Dataset()
        one.ROINumber, one.ROIName = number, name
        roi.ReferencedROINumber, roi.ContourSequence = number, []
        for points in contours:
            contour = Dataset()
            contour.ContourGeometricType, contour.NumberOfContourPoints = kind, len(points)
            contour.ContourData = [f"{value:.6g}" for value in np.ravel(points)]
            roi.ContourSequence.append(contour)
        named.append(one)
        drawn.append(roi)
    made.StructureSetROISequence, made.ROIContourSequence = named, drawn
    of_series, study, frame = Dataset(), Dataset(), Dataset()
    of_series.SeriesInstanceUID = SERIES
    study.RTReferencedSeriesSequence = [of_series]
    frame.FrameOfReferenceUID, frame.RTReferencedStudySequence = FRAME, [study]
    made.ReferencedFrameOfReferenceSequence = [frame]
    for name, value in facts.items():
        setattr(made, name, value)
    return save(path, made)


def rectangle(left: float, top: float, right: float, bottom: float, height: float) -> Array:
    """A contour around pixels: columns left..right, rows top..bottom, on a slice, all in pixels of the series."""
    corners = np.array([(left, top), (right, top), (right, bottom), (left, bottom)], float)
    x, y = FIRST[0] + corners[:, 0] * BETWEEN_COLUMNS, FIRST[1] + corners[:, 1] * BETWEEN_ROWS
    return np.stack([x, y, np.full(4, FIRST[2] + height * BETWEEN_SLICES)], axis=1)
