"""Tiny copies of the layouts of MedSeg-HQ's sources, filled with made-up voxels."""

from pathlib import Path
from typing import Any

import numpy as np

from tests.helpers import dicom
from tests.helpers.layouts import Array, corner, hounsfield, picture, square, voxels, write_json, write_nifti, write_png


def volumes(root: Path, image: str, label: str, values: Array | None = None, scan: Array | None = None) -> Path:
    """A scan and its label map under the names given, without ending."""
    write_nifti(root / f"{image}.nii.gz", hounsfield() if scan is None else scan)
    write_nifti(root / f"{label}.nii.gz", corner() if values is None else values)
    return root


def amos(root: Path, *numbers: int, values: Array | None = None) -> Path:
    """Training cases of AMOS with the list of the release, and what macOS packs beside them."""
    names = [f"amos_{number:04}.nii.gz" for number in numbers]
    for name in names:
        volumes(root, f"imagesTr/{name[:-7]}", f"labelsTr/{name[:-7]}", values)
        for folder in ("imagesTr", "labelsTr"):
            (root / folder / f"._{name}").write_bytes(b"\0\5\x16\7AppleDouble")
    (root / "__MACOSX/imagesTr").mkdir(parents=True)
    (root / "__MACOSX/imagesTr/amos_0001.nii.gz").write_bytes(b"\0\5\x16\7AppleDouble")
    pairs = [{"image": f"./imagesTr/{name}", "label": f"./labelsTr/{name}"} for name in names]
    content = {"modality": {"0": "CT"}, "labels": {"0": "background", "8": "arota"}, "training": pairs}
    write_json(root / "dataset.json", content)
    return root


def btcv(root: Path, number: int = 1, values: Array | None = None) -> Path:
    """One training case of BTCV."""
    return volumes(root / "RawData/Training", f"img/img{number:04}", f"label/label{number:04}", values)


def word(root: Path, part: str = "Tr", number: int = 2, values: Array | None = None) -> Path:
    """One case of WORD."""
    name = f"word_{number:04}"
    return volumes(root, f"images{part}/{name}", f"labels{part}/{name}", values)


def acdc(root: Path, number: int = 1, part: str = "training", values: Array | None = None) -> Path:
    """Both frames of one patient of ACDC, with the series and the facts that lie beside them."""
    name = f"patient{number:03}"
    folder = root / "ACDC/database" / part / name
    for frame in (1, 12):
        start = f"{name}_frame{frame:02}"
        volumes(folder, start, f"{start}_gt", values, voxels())
    write_nifti(folder / f"{name}_4d.nii.gz", voxels())
    (folder / "Info.cfg").write_text("ED: 1\nES: 12\nGroup: DCM\nHeight: 184.0\nNbFrame: 30\nWeight: 95.0\n")
    return root / "ACDC/database"


def sz_cxr(root: Path, name: str = "CHNCXR_0001_0", mask: Any = None) -> Path:
    """One X-ray of the Shenzhen set with its lungs."""
    write_png(root / f"CXR_png/{name}.png", picture())
    write_png(root / f"mask/{name}_mask.png", square() if mask is None else mask)
    return root


def chaos_mr(root: Path, patient: int = 1, values: Array | None = None) -> Path:
    """A patient of CHAOS MR: both echoes of T1 share the labels of the first, whose numbers they follow by one."""
    folder = root / "Train_Sets/MR" / str(patient)
    greys = np.zeros((4, dicom.ROWS, dicom.COLUMNS), np.uint8)
    greys[:, 0, :4] = 63, 126, 189, 252
    greys = greys if values is None else values
    for number, grey in enumerate(greys):
        write_png(folder / f"T1DUAL/Ground/IMG-0004-{2 * number + 2:05}.png", grey)
        write_png(folder / f"T2SPIR/Ground/IMG-0002-{number + 1:05}.png", grey)
    for path, start, step in (
        ("T1DUAL/DICOM_anon/InPhase/IMG-0004-{:05}.dcm", 2, 2),
        ("T1DUAL/DICOM_anon/OutPhase/IMG-0004-{:05}.dcm", 1, 2),
        ("T2SPIR/DICOM_anon/IMG-0002-{:05}.dcm", 1, 1),
    ):
        names = [path.format(start + step * number) for number in range(len(greys))]
        dicom.series(folder, dicom.stored(len(greys)), names, Modality="MR", RescaleIntercept=0)
    return root / "Train_Sets"


def chaos_ct(root: Path, patient: int = 3) -> Path:
    """A patient of CHAOS CT: labels of one bit; the files run downwards."""
    folder = root / "Train_Sets/CT" / str(patient)
    for number in range(4):
        label = np.zeros((dicom.ROWS, dicom.COLUMNS), np.uint8)
        label[: number + 1, 1] = 255
        write_png(folder / f"Ground/liver_GT_{number:03}.png", label, "1")
    dicom.series(folder / "DICOM_anon", names=[f"i{3 - number:04},0000b.dcm" for number in range(4)])
    return root / "Train_Sets"


def isles2015(root: Path, number: int = 1, values: Array | None = None) -> Path:
    """A training case of ISLES 2015 SISS; each file has a number of its own, in its folder's name, too."""
    names = [f"VSD.Brain.XX.O.MR_{token}" for token in ("Flair", "T1", "T2", "DWI")]
    for place, name in enumerate((*names, "VSD.Brain_3more.XX.XX.OT")):
        whole = f"{name}.{70000 * number + place}"
        content = (corner() if values is None else values) if name.endswith("OT") else voxels()
        write_nifti(root / f"SISS2015_Training/{number}/{whole}/{whole}.nii", content)
    return root / "SISS2015_Training"


def medsam_npz(root: Path, imgs: Array, gts: Array, name: str = "CT_x_1", **others: Any) -> Path:
    """One archive of MedSAM."""
    root.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(root / f"{name}.npz", imgs=imgs, gts=gts, **others)
    return root / f"{name}.npz"


def bids(root: Path) -> Path:
    """A subject with a T1, a mask, and a label map with its table."""
    write_nifti(root / "sub-01/anat/sub-01_T1w.nii.gz", voxels())
    write_nifti(root / "derivatives/sub-01/anat/sub-01_label-lesion_mask.nii.gz", corner())
    path = write_nifti(root / "derivatives/sub-01/anat/sub-01_dseg.nii.gz", corner(value=2))
    path.with_name("sub-01_dseg.tsv").write_text("index\tname\n2\tliver\n")
    return root
