"""The sources in NIfTI: BTCV, AMOS (CT and MRI), WORD, TotalSegmentator CT and ACDC, in their official layouts."""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench.miniworld.phantoms.nifti import placed, write_nifti
from bench.miniworld.phantoms.seeding import generator
from bench.miniworld.phantoms.sources.abdomens import Scanner, computed_tomography, magnetic_resonance, person
from bench.miniworld.phantoms.sources.heart import CHAMBERS, cine_frames
from bench.miniworld.phantoms.sources.spoiling import spoiled_slices
from bench.miniworld.phantoms.sources.stacks import Stack

# The numbers of the releases for the organs that are drawn; they have others that these people lack.
BTCV_NUMBERS = {
    "spleen": 1, "kidney_right": 2, "kidney_left": 3, "gallbladder": 4, "liver": 6, "stomach": 7, "aorta": 8,
    "inferior_vena_cava": 9, "pancreas": 11,
}  # fmt: skip
AMOS_NUMBERS = {**BTCV_NUMBERS, "pancreas": 10}
AMOS_NAMES = (
    "background", "spleen", "right kidney", "left kidney", "gall bladder", "esophagus", "liver", "stomach", "arota",
    "postcava", "pancreas", "right adrenal gland", "left adrenal gland", "duodenum", "bladder", "prostate/uterus",
)  # fmt: skip
WORD_NUMBERS = {
    "liver": 1, "spleen": 2, "kidney_left": 3, "kidney_right": 4, "stomach": 5, "gallbladder": 6, "pancreas": 8,
}  # fmt: skip
FIRST_AMOS_MR = 507
EMPTY_CLASSES = ("atrial_appendage_left", "colon", "urinary_bladder", "vertebrae_S1")  # as most files of the release
BTCV = Scanner(112, 128, (2.8, 2.8, 30.0), "LAS", 40, (8, 20))
AMOS_CT = Scanner(128, 128, (3.0, 3.0, 40.0), "LPS", 0, (5, 15))
AMOS_MRI = Scanner(104, 128, (3.0, 3.0, 36.0), "RAS")
WORD = Scanner(128, 128, (3.0, 3.0, 30.0), "LPS", 20, (10, 25))
TOTALSEGMENTATOR = Scanner(96, 120, (3.0, 3.0, 45.0), "RAS", 30, (8, 20))
CINE_SIDE, CINE_SPACING_MM = 112, (3.1, 3.1, 20.0)
DIASTOLE, SYSTOLE = 1, 12


def oriented(array: NDArray[np.generic], axes: str) -> NDArray[np.generic]:
    """An array (H, W, N) of a `Stack` as a file (W, H, N) whose axes point as told, each of them either way."""
    turned = np.swapaxes(array, 0, 1)
    steps = tuple(slice(None, None, 1 if axis == own else -1) for axis, own in zip(axes, "LPS", strict=True))
    return np.ascontiguousarray(turned[steps])


def label_map(volume: Stack, numbers: Mapping[str, int]) -> NDArray[np.uint8]:
    """The classes that have a number, (H, W, N)."""
    labels = np.zeros(volume.image.shape, np.uint8)
    for name, number in numbers.items():
        labels[volume.masks[name]] = number
    return labels


def _write(path: Path, array: NDArray[np.generic], scanner: Scanner) -> None:
    voxels = oriented(array, scanner.axes)
    write_nifti(path, voxels, placed(voxels.shape, scanner.spacing_mm, scanner.axes))


def _write_pair(image: Path, label: Path, volume: Stack, numbers: Mapping[str, int], scanner: Scanner) -> None:
    _write(image, np.rint(volume.image).astype(np.int16), scanner)
    _write(label, label_map(volume, numbers), scanner)


def write_btcv(root: Path, seed: int, people: int, slices: int) -> None:
    """Write `RawData/Training` below `root`; the ids of the training part have a gap after 10."""
    folder = root / "RawData/Training"
    for place in range(people):
        name = f"{place + (1 if place < 10 else 11):04}"
        volume = computed_tomography(generator(seed, "btcv", name), BTCV, slices)
        _write_pair(folder / f"img/img{name}.nii.gz", folder / f"label/label{name}.nii.gz", volume, BTCV_NUMBERS, BTCV)


def write_amos(root: Path, seed: int, people: int, slices: int) -> None:
    """Write `amos22` below `root`, with as many people in CT as in MR, and what macOS packs beside them."""
    scans: dict[str, Callable[[np.random.Generator], Stack]] = {}
    for place in range(people):
        scans[f"amos_{4 + 3 * place:04}"] = lambda rng: computed_tomography(rng, AMOS_CT, slices)
        scans[f"amos_{FIRST_AMOS_MR + place:04}"] = lambda rng: _magnetic_resonance(rng, slices)
    folder = root / "amos22"
    for name, draw in scans.items():
        scanner = AMOS_CT if int(name[-4:]) < FIRST_AMOS_MR else AMOS_MRI
        paths = folder / f"imagesTr/{name}.nii.gz", folder / f"labelsTr/{name}.nii.gz"
        _write_pair(*paths, draw(generator(seed, "amos", name)), AMOS_NUMBERS, scanner)
    described = {
        "name": "AMOS",
        "modality": {"0": "CT"},
        "labels": {str(number): name for number, name in enumerate(AMOS_NAMES)},
        "numTraining": len(scans),
        "training": [
            {"image": f"./imagesTr/{name}.nii.gz", "label": f"./labelsTr/{name}.nii.gz"} for name in sorted(scans)
        ],
    }
    (folder / "dataset.json").write_text(json.dumps(described, indent=1))
    beside = root / "__MACOSX/amos22/imagesTr"
    beside.mkdir(parents=True)
    for name in scans:
        (beside / f"._{name}.nii.gz").write_bytes(b"\0\5\x16\7\0\2\0\0Mac OS X        ")


def _magnetic_resonance(rng: np.random.Generator, slices: int) -> Stack:
    sequence = str(rng.choice(("T1", "T2")))
    return magnetic_resonance(rng, AMOS_MRI, person(rng, AMOS_MRI, slices), slices, sequence)


def write_word(root: Path, seed: int, people: int, slices: int) -> None:
    """Write `WORD-V0.1.0` below `root`: two thirds of the people to train on, the others to validate on."""
    folder = root / "WORD-V0.1.0"
    for place in range(people):
        name, part = f"word_{place + 2:04}", "Val" if place % 3 == 2 else "Tr"
        volume = computed_tomography(generator(seed, "word", name), WORD, slices)
        paths = folder / f"images{part}/{name}.nii.gz", folder / f"labels{part}/{name}.nii.gz"
        _write_pair(*paths, volume, WORD_NUMBERS, WORD)


def write_totalsegmentator(root: Path, seed: int, people: int, slices: int) -> None:
    """Write `Totalsegmentator_dataset_v201` below `root`: a file for each class, of which some are empty."""
    folder = root / "Totalsegmentator_dataset_v201"
    names = [f"s{7 * place + 11:04}" for place in range(people)]
    for name in names:
        volume = computed_tomography(generator(seed, "totalsegmentator-ct", name), TOTALSEGMENTATOR, slices)
        _write(folder / name / "ct.nii.gz", np.rint(volume.image).astype(np.int16), TOTALSEGMENTATOR)
        empty = dict.fromkeys(EMPTY_CLASSES, np.zeros(volume.image.shape, bool))
        for target, mask in (volume.masks | empty).items():
            path = folder / name / f"segmentations/{target}.nii.gz"
            _write(path, mask.astype(np.uint8), TOTALSEGMENTATOR)
    splits = ("train", "train", "train", "val", "test")
    rows = [f"{name};50;m;phantom;{splits[place % len(splits)]}" for place, name in enumerate(names)]
    (folder / "meta.csv").write_text("\n".join(["image_id;age;gender;study_type;split", *rows]) + "\n")


def write_acdc(root: Path, seed: int, people: int, slices: int) -> None:
    """Write `ACDC/database/training` below `root`: two frames of each person, with the series that holds them."""
    numbers = {name: number for number, name in enumerate(CHAMBERS, 1)}
    scanner = Scanner(CINE_SIDE, CINE_SIDE, CINE_SPACING_MM)
    for place in range(people):
        name = f"patient{place + 1:03}"
        rng = generator(seed, "acdc", name)
        folder = root / "ACDC/database/training" / name
        frames = cine_frames(rng, CINE_SIDE, slices)
        for frame, volume in zip((DIASTOLE, SYSTOLE), frames, strict=True):
            start = f"{name}_frame{frame:02}"
            seen = Stack(spoiled_slices(rng, volume.image), volume.masks)
            _write_pair(folder / f"{start}.nii.gz", folder / f"{start}_gt.nii.gz", seen, numbers, scanner)
        _write_series(folder / f"{name}_4d.nii.gz", frames, scanner)
        (folder / "Info.cfg").write_text(
            f"ED: {DIASTOLE}\nES: {SYSTOLE}\nGroup: NOR\nHeight: 175.0\nNbFrame: 2\nWeight: 75.0\n"
        )


def _write_series(path: Path, frames: Sequence[Stack], scanner: Scanner) -> None:
    turned = [oriented(np.rint(one.image).astype(np.int16), scanner.axes) for one in frames]
    write_nifti(path, np.stack(turned, -1), placed(turned[0].shape, scanner.spacing_mm, scanner.axes))
