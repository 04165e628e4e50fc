"""Tiny copies of the official layouts, filled with made-up voxels."""

import gzip
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from nibabel.orientations import apply_orientation, axcodes2ornt, inv_ornt_aff, ornt_transform
from numpy.typing import NDArray
from PIL import Image
from scipy import sparse

SHAPE = (6, 7, 5)
SPACING_MM = (2.0, 1.0, 3.0)
Array = NDArray[Any]


def lps_affine(spacing_mm: tuple[float, float, float] = SPACING_MM) -> Array:
    """The affine of an axis-aligned LPS volume with its first voxel at (10, 20, 30) mm."""
    affine = np.diag([-spacing_mm[0], -spacing_mm[1], spacing_mm[2], 1.0])
    affine[:3, 3] = (10, 20, 30)
    return affine


def voxels(shape: tuple[int, ...] = SHAPE) -> Array:
    """Distinct int16 values, so that any flip or transposition shows."""
    return np.arange(1, np.prod(shape) + 1, dtype=np.int16).reshape(shape)


def hounsfield() -> Array:
    """Distinct int16 values, about half of them below water."""
    return voxels() - 100


def corner(shape: tuple[int, ...] = SHAPE, value: int = 1) -> Array:
    """A label off all diagonals: one corner block with a value."""
    label = np.zeros(shape, np.uint8)
    label[:2, :3, 1:2] = value
    return label


def write_nifti(path: Path, array: Array, affine: Array | None = None, codes: str = "LPS") -> Path:
    """Save an LPS array as NIfTI, stored in another axis order if `codes` asks for one."""
    affine = lps_affine() if affine is None else affine
    turn = ornt_transform(axcodes2ornt(("L", "P", "S")), axcodes2ornt(tuple(codes)))
    turned, placed = apply_orientation(array, turn), affine @ inv_ornt_aff(turn, array.shape)
    path.parent.mkdir(parents=True, exist_ok=True)
    nib.save(nib.Nifti1Image(turned, placed), path)
    return path


def spoil_checksum(path: Path) -> None:
    """Change the stored CRC of a gzip file; all voxels can still be unpacked."""
    raw = bytearray(path.read_bytes())
    raw[-8] ^= 0xFF
    path.write_bytes(bytes(raw))


def cut(path: Path, keep: float = 0.5) -> None:
    """Keep the first part of a file only."""
    raw = path.read_bytes()
    path.write_bytes(raw[: int(len(raw) * keep)])


def cut_inside(path: Path) -> None:
    """A sound gzip file around half a NIfTI."""
    raw = gzip.decompress(path.read_bytes())
    path.write_bytes(gzip.compress(raw[: len(raw) // 2]))


def write_png(path: Path, array: Array, mode: str | None = None) -> Path:
    """Save a picture, converted to a mode of Pillow if asked."""
    path.parent.mkdir(parents=True, exist_ok=True)
    picture = Image.fromarray(array)
    (picture.convert(mode) if mode else picture).save(path)
    return path


def write_json(path: Path, content: Any) -> Path:
    """Save JSON."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content))
    return path


def picture(shape: tuple[int, int] = (8, 10)) -> Array:
    """A grey picture with distinct values."""
    return np.arange(np.prod(shape), dtype=np.uint8).reshape(shape)


def square(value: int = 255, shape: tuple[int, int] = (8, 10)) -> Array:
    """A mask with 3 x 2 foreground pixels off the diagonal."""
    mask = np.zeros(shape, np.uint8)
    mask[1:4, 6:8] = value
    return mask


def isles_a(root: Path, number: int = 1, label: Array | None = None) -> str:
    """One case of the release: folders dwi and anat, FLAIR in upper case on a grid of its own."""
    subject = f"sub-strokecase{number:04}"
    start = f"{subject}/ses-0001"
    name = f"{subject}_ses-0001"
    write_nifti(root / start / f"dwi/{name}_dwi.nii.gz", voxels())
    write_nifti(root / start / f"dwi/{name}_adc.nii.gz", voxels() + 1000)
    write_nifti(root / start / f"anat/{name}_FLAIR.nii.gz", *finer_grid())
    write_nifti(root / f"derivatives/{start}/{name}_msk.nii.gz", corner() if label is None else label)
    return subject


def finer_grid() -> tuple[Array, Array]:
    """A volume that is linear in space, on a grid twice as fine in plane that covers SHAPE."""
    affine = lps_affine((1.0, 0.5, 3.0))
    i, j, k = np.indices((2 * SHAPE[0], 2 * SHAPE[1], SHAPE[2]), np.float32)
    return 0.5 * i + 10 * 0.5 * j + 100 * k, affine


def isles_b(root: Path, number: int = 9) -> str:
    """One case of the preview: all lower case, no folders by kind, a preview picture beside the mask."""
    subject = f"sub-strokecase{number:04}"
    start, name = f"{subject}/ses-0001", f"{subject}_ses-0001"
    for token in ("dwi", "adc"):
        write_nifti(root / "rawdata" / start / f"{name}_{token}.nii.gz", voxels())
    write_nifti(root / "rawdata" / start / f"{name}_flair.nii.gz", *finer_grid())
    write_nifti(root / "derivatives" / start / f"{name}_msk.nii.gz", corner())
    write_png(root / "derivatives" / start / f"{name}_snp.png", picture())
    return subject


def segthor(root: Path, number: int = 1, label: Array | None = None) -> str:
    """One training patient with heart (2) and aorta (4)."""
    patient = f"Patient_{number:02}"
    organs = corner(value=2) if label is None else label
    if label is None:
        organs[4, 4, 4] = 4
    write_nifti(root / "train" / patient / f"{patient}.nii.gz", hounsfield())
    write_nifti(root / "train" / patient / "GT.nii.gz", organs)
    return patient


def totalsegmentator(root: Path, subject: str, image: str, masks: Mapping[str, Array]) -> Path:
    """One subject with the given class files."""
    write_nifti(root / subject / f"{image}.nii.gz", voxels())
    for name, mask in masks.items():
        write_nifti(root / subject / f"segmentations/{name}.nii.gz", mask)
    return root / subject


def imis(root: Path, cases: tuple[str, ...] = ("ABD_001_100",), named: bool = True) -> Path:
    """Slices with two channels, the second empty, and no `imask` although the list names one."""
    items = []
    for case in cases:
        channels = np.stack([square(1), square(0)]).reshape(2, -1).astype(np.int32)
        label = f"label/x___{case}.(2, 8, 10, 1).npz" if named else f"label/x___{case}.npz"
        (root / "label").mkdir(parents=True, exist_ok=True)
        sparse.save_npz(root / label, sparse.csr_matrix(channels))
        write_png(root / f"image/{case}.png", picture(), "RGB")
        items.append({"image": f"image/{case}.png", "label": label, "imask": f"imask/x___{case}.npy"})
    labels = {"0": "background", "1": "spleen", "2": "kidney_right"}
    content = {"name": root.name, "modality": {"0": "ct"}, "labels": labels, "training": items[1:], "test": items[:1]}
    return write_json(root / "dataset.json", content)


def sam_med2d(root: Path) -> None:
    """Two listed images, one of them with a class in two components, and one image in no list."""
    for name in ("amos_0004_75", "s0114_111", "amos_0507_31"):
        write_png(root / f"images/{name}.png", picture(), "RGB")
    other = np.roll(square(), 4, axis=0)
    write_png(root / "masks/amos_0004_75_liver_000.png", square())
    write_png(root / "masks/amos_0004_75_liver_001.png", other)
    write_png(root / "masks/s0114_111_rib_left_9_000.png", square())
    start = f"{root.name}/"
    train = {f"{start}images/s0114_111.png": [f"{start}masks/s0114_111_rib_left_9_000.png"]}
    test = {f"{start}masks/amos_0004_75_liver_{n:03}.png": f"{start}images/amos_0004_75.png" for n in (0, 1)}
    write_json(root / "image2label_train.json", train)
    write_json(root / "label2image_test.json", test)


def nnunet(root: Path, labels: Mapping[str, Any], version: int = 2, label: Array | None = None) -> Path:
    """One CT training case `liver 1` and its `dataset.json`."""
    write_nifti(root / "imagesTr/liver 1_0000.nii.gz", voxels())
    write_nifti(root / "labelsTr/liver 1.nii.gz", corner() if label is None else label)
    channels = {"channel_names" if version == 2 else "modality": {"0": "CT"}}
    listed = [{"image": "./imagesTr/liver 1.nii.gz", "label": "./labelsTr/liver 1.nii.gz"}]
    rest = {"file_ending": ".nii.gz", "numTraining": 1} if version == 2 else {"training": listed}
    return write_json(root / "dataset.json", {**channels, "labels": labels, **rest})


def folder(root: Path, mask: Array, name: str = "a_mask.png", masks: str = "masks") -> None:
    """One picture `a` and its mask."""
    write_png(root / "images/a.png", picture())
    write_png(root / masks / name, mask)


def each_byte_changed(path: Path) -> Iterator[None]:
    """Change a file's bytes one after the other, each from the whole file."""
    whole = path.read_bytes()
    for place in range(len(whole)):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0x5A]) + whole[place + 1 :])
        yield
