"""CHAOS MR: both sequences of the same people as DICOM slices with a label picture for each."""

from collections.abc import Sequence
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import NAMESPACE_URL, uuid5

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from bench.miniworld.phantoms.seeding import generator
from bench.miniworld.phantoms.sources.abdomens import Scanner, magnetic_resonance, person
from bench.miniworld.phantoms.sources.stacks import Stack

if TYPE_CHECKING:
    from pydicom import Dataset

PATIENTS = (1, 2, 3, 5, 8, 10, 13, 15, 19, 20, 21, 22, 31, 32, 33, 34, 36, 37, 38, 39)  # the training part's
GREYS = {"liver": 63, "kidney_right": 126, "kidney_left": 189, "spleen": 252}
SCANNER = Scanner(112, 128, (3.0, 3.0, 30.0))
T1_NAME, T2_NAME = "IMG-0004-{:05}", "IMG-0002-{:05}"


def can_be_written() -> bool:
    """Whether pydicom, which writes the slices, is installed."""
    return find_spec("pydicom") is not None


def write_chaos(root: Path, seed: int, people: int, slices: int) -> None:
    """Write `CHAOS_Train_Sets/Train_Sets/MR` below `root`.

    The two echoes of T1 are numbered alternately and share the labels of the in-phase one.

    Raises:
        ValueError: more people than the training part has.
        ImportError: pydicom is not installed.
    """
    if people > len(PATIENTS):
        raise ValueError(f"CHAOS has {len(PATIENTS)} people in its training part, not {people}")
    for patient in PATIENTS[:people]:
        folder = root / f"CHAOS_Train_Sets/Train_Sets/MR/{patient}"
        rng = generator(seed, "chaos", str(patient))
        draw = partial(magnetic_resonance, rng, SCANNER, person(rng, SCANNER, slices), slices)
        echoes, t2 = folder / "T1DUAL", folder / "T2SPIR"
        even, odd = ([2 * number + start for number in range(slices)] for start in (2, 1))
        in_phase = draw("T1")
        _write_series(echoes / "DICOM_anon/InPhase", in_phase, [T1_NAME.format(one) for one in even], (patient, 1))
        _write_series(
            echoes / "DICOM_anon/OutPhase", draw("T1 out of phase"), [T1_NAME.format(one) for one in odd], (patient, 2)
        )
        _write_labels(echoes / "Ground", in_phase, [T1_NAME.format(one) for one in even])
        names = [T2_NAME.format(number + 1) for number in range(slices)]
        fat_saturated = draw("T2")
        _write_series(t2 / "DICOM_anon", fat_saturated, names, (patient, 3))
        _write_labels(t2 / "Ground", fat_saturated, names)


def _write_labels(folder: Path, volume: Stack, names: Sequence[str]) -> None:
    folder.mkdir(parents=True)
    for number, name in enumerate(names):
        greys = np.zeros(volume.image.shape[:2], np.uint8)
        for organ, grey in GREYS.items():
            greys[volume.masks[organ][..., number]] = grey
        Image.fromarray(greys).save(folder / f"{name}.png")


def _write_series(folder: Path, volume: Stack, names: Sequence[str], where: tuple[int, int]) -> None:
    folder.mkdir(parents=True)
    stored = np.rint(volume.image).clip(0, 4095).astype("<u2")
    for number, name in enumerate(names):
        made = _slice(stored[..., number], number, where)
        made.save_as(folder / f"{name}.dcm", enforce_file_format=True)


def _slice(pixels: NDArray[np.uint16], number: int, where: tuple[int, int]) -> "Dataset":
    """One slice as a file, without any date."""
    from pydicom import Dataset  # noqa: PLC0415 - an extra
    from pydicom.dataset import FileMetaDataset  # noqa: PLC0415
    from pydicom.uid import ExplicitVRLittleEndian, MRImageStorage  # noqa: PLC0415

    patient, series = where
    made = Dataset()
    made.file_meta = FileMetaDataset()
    made.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    made.SOPClassUID, made.SOPInstanceUID = MRImageStorage, _uid(patient, series, number)
    made.StudyInstanceUID, made.SeriesInstanceUID = _uid(patient), _uid(patient, series)
    made.FrameOfReferenceUID = _uid("frame", patient)
    made.Modality, made.PatientID, made.PatientName = "MR", str(patient), f"CHAOS^MR_SET_{patient}"
    made.SeriesNumber, made.InstanceNumber = series, number + 1
    made.Rows, made.Columns = pixels.shape
    made.SamplesPerPixel, made.PhotometricInterpretation, made.PixelRepresentation = 1, "MONOCHROME2", 0
    made.BitsAllocated, made.BitsStored, made.HighBit = 16, 12, 11
    between_columns, between_rows, between_slices = SCANNER.spacing_mm
    made.PixelSpacing, made.SliceThickness = [between_rows, between_columns], between_slices
    made.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    made.ImagePositionPatient = [-190, -165, between_slices * number]
    made.PixelData = pixels.tobytes()
    return made


def _uid(*names: object) -> str:
    """The same identifier for the same thing; 2.25 is the arc of identifiers that are made of a UUID."""
    return f"2.25.{uuid5(NAMESPACE_URL, '/'.join(map(str, ('segmote-bench', 'chaos', *names)))).int}"
