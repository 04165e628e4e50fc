"""Volumes of NIfTI files."""

from dataclasses import replace
from pathlib import Path

from bench.data.reading.opening import place
from bench.data.reading.values import finite, known_labels
from bench.data.reading.volumes import Volume

ENDINGS = (".nii", ".nii.gz")


def read_volume(path: Path) -> Volume:
    """An image as a NIfTI file with all its voxels, turned (never interpolated) to LPS.

    The whole file is unpacked, so that a wrong checksum behind the last voxel is found. Spacing is the
    header's zooms, also where the sform says otherwise (ACDC has sforms of unit scale), in the header's unit.
    Voxels that are no finite numbers take the lowest value.

    Raises:
        DataError: not a NIfTI file, truncated, wrong checksum; larger than its file can hold; not 3-D; colour voxels;
            no finite voxel; no valid voxel size or orientation.

    Source: axis turning is nibabel's; wrong sforms in MIC-DKFZ/nnUNet issue 2741.
    """
    found = _read(path)
    voxels, warnings = finite(found.voxels, place(path))
    return replace(found, voxels=voxels, warnings=(*found.warnings, *warnings))


def read_label_volume(path: Path) -> Volume:
    """Like `read_volume` for labels: voxels that are no numbers (NaN) are background.

    Raises:
        DataError: see `read_volume`; infinite voxels.
    """
    found = _read(path)
    voxels, warnings = known_labels(found.voxels, place(path))
    return replace(found, voxels=voxels, warnings=(*found.warnings, *warnings))


def _read(path: Path) -> Volume:
    from bench.data.reading.nifti_files import load  # noqa: PLC0415 - loads nibabel, which no table needs

    return load(path)
