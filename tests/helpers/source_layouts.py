"""Tiny copies of the layouts of MedSeg-HQ's sources, filled with made-up voxels."""

from pathlib import Path
from typing import Any

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
