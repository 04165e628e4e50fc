"""The three zero-shot sets as phantoms, in the official layouts of the real ones."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench.miniworld.phantoms import abdomen, brain, thorax
from bench.miniworld.phantoms.geometry import Field
from bench.miniworld.phantoms.grid import SamplingGrid
from bench.miniworld.phantoms.nifti import placed, write_nifti
from bench.miniworld.phantoms.rendering import Layer, composite, magnetic, sample, tomographic, visible
from bench.miniworld.phantoms.seeding import generator

SLABS = 2
# Lesions of each stroke patient; the one without any has an empty mask, as three cases of the release.
LESIONS = {1: 1, 2: 3, 3: 5, 4: 0, 7: 2, 9: 8, 12: 2}
CHESTS = {1: "LPS", 2: "LPS", 5: "RAS", 8: "LPS", 13: "LAS", 21: "LPS"}
UNLABELLED_CHEST = 41
# Subject: axes, spacing along them in mm, shape.
ABDOMENS: dict[int, tuple[str, tuple[float, float, float], tuple[int, int, int]]] = {
    1: ("LPS", (3.0, 3.0, 8.0), (116, 88, 12)),
    3: ("RAS", (2.8, 2.8, 7.5), (124, 92, 13)),
    4: ("LSP", (3.4, 4.5, 6.5), (102, 22, 36)),
    8: ("LAS", (3.2, 3.2, 9.0), (108, 84, 10)),
    15: ("LPS", (3.0, 3.0, 8.0), (112, 86, 11)),
    22: ("RAS", (2.6, 2.6, 7.0), (130, 96, 12)),
    26: ("LPS", (3.2, 3.2, 8.0), (104, 82, 10)),
}
EMPTY_ABDOMEN = 26
EMPTY_CLASSES = ("brain", "prostate", "urinary_bladder")
META_COLUMNS = (
    "image_id", "age", "gender", "institute", "study_type", "split", "manufacturer", "scanner_model", "kvp",
    "pathology", "pathology_location",
)  # fmt: skip


def write_zero_shot(root: Path, seed: int = 0) -> None:
    """Writes `isles2022`, `segthor` and `totalsegmentator_mri` below `root`.

    Args:
        root: made if missing.
        seed: decides every byte.
    """
    for number, lesions in LESIONS.items():
        _write_stroke(root / "isles2022", number, lesions, generator(seed, "isles2022", str(number)))
    for number in (*CHESTS, UNLABELLED_CHEST):
        _write_chest(root / "segthor", number, generator(seed, "segthor", str(number)))
    for number in ABDOMENS:
        _write_abdomen(root / "totalsegmentator_mri", number, generator(seed, "totalsegmentator_mri", str(number)))
    _write_meta(root / "totalsegmentator_mri" / "meta.csv", seed)


def _jittered(rng: np.random.Generator, values: Mapping[str, float], spread: float) -> dict[str, float]:
    """Every tissue's value times a factor of its own near 1."""
    return {name: value * float(np.exp(spread * rng.standard_normal())) for name, value in values.items()}


def _write_stroke(root: Path, number: int, lesions: int, rng: np.random.Generator) -> None:
    """DWI and ADC on the mask's grid, FLAIR on its own."""
    subject, session = f"sub-strokecase{number:04d}", "ses-0001"
    stem = f"{subject}_{session}"
    parts = brain.head(rng, lesions)
    tilt, centre = rng.uniform(-14, 14, 3) * (1, 0.4, 0.4), rng.normal((0, 0, 8), 2)
    shape = (112, 112, int(rng.integers(10, 15)))
    grid = SamplingGrid(shape, placed(shape, (2.0, 2.0, 5.0), "LAS", tilt, centre), SLABS)
    layers = sample(parts, grid)
    folder = root / subject / session
    unit = 1000.0 if number == min(LESIONS) + 1 else 1.0
    write_nifti(folder / "dwi" / f"{stem}_dwi.nii.gz", _diffusion(rng, layers, shape), grid.affine)
    write_nifti(folder / "dwi" / f"{stem}_adc.nii.gz", _adc(rng, layers, shape, unit), grid.affine)
    mask = visible(layers, [brain.LESION], shape)[brain.LESION].astype(np.uint16)
    write_nifti(root / "derivatives" / subject / session / f"{stem}_msk.nii.gz", mask, grid.affine)
    fine = (144, 144, shape[2] - 1)
    plane = placed(fine, (1.55, 1.55, 5.5), "LAS", tilt + rng.normal(0, 2, 3), centre + np.array((0, 0, 1)))
    layers = sample(parts, SamplingGrid(fine, plane, SLABS))
    flair = magnetic(rng, layers, _jittered(rng, brain.FLAIR, 0.06), fine, 0.03, 0.12)
    write_nifti(folder / "anat" / f"{stem}_FLAIR.nii.gz", flair.astype(np.float32), plane)


def _diffusion(rng: np.random.Generator, layers: list[Layer], shape: tuple[int, ...]) -> Field:
    """At b = 1000: a faint lesion in some patients; interpolation leaves small negative values outside the head."""
    values = _jittered(rng, brain.DWI, 0.05)
    values["lesion"] *= rng.uniform(0.75, 1.1)
    image = magnetic(rng, layers, values, shape, 0.035, 0.12)
    outside = composite(layers[:1], {"air": 1, "scalp": 0}, shape) > 0.9
    image[outside] = 3 * rng.standard_normal(int(outside.sum()), np.float32)
    return image


def _adc(rng: np.random.Generator, layers: list[Layer], shape: tuple[int, ...], unit: float) -> Field:
    """10^-3 mm^2/s, or 10^-6 with unit 1000; noisy, small negative values."""
    image = composite(layers, _jittered(rng, brain.ADC, 0.05), shape)
    noise = 0.04 + 0.06 * image
    return np.float32(unit) * (image + noise * rng.standard_normal(shape, np.float32))


def _write_chest(root: Path, number: int, rng: np.random.Generator) -> None:
    """A CT with its label map; without one, as a test patient, if the number is not in `CHESTS`."""
    name = f"Patient_{number:02d}"
    shape = (128, 128, int(rng.integers(12, 15)))
    spacing = (2.5, 2.5, float(rng.choice((5.0, 6.0, 7.0))))
    affine = placed(shape, spacing, CHESTS.get(number, "LPS"), (0, 0, rng.normal(0, 1.5)), (0, -4, rng.normal(0, 8)))
    layers = sample(thorax.chest(rng), SamplingGrid(shape, affine, SLABS))
    values = {name: value + 8 * rng.standard_normal() for name, value in thorax.HOUNSFIELD.items()}
    image = tomographic(rng, layers, values, shape, rng.uniform(10, 22))
    if rng.random() < 0.5:
        image[_corners(shape[:2])] = -2000
    scan = np.rint(image).astype(np.int16)
    if number not in CHESTS:
        write_nifti(root / "test" / f"{name}.nii.gz", scan, affine)
        return
    labels = np.zeros(shape, np.uint8)
    for label, mask in enumerate(visible(layers, thorax.ORGANS, shape).values(), 1):
        labels[mask] = label
    write_nifti(root / "train" / name / f"{name}.nii.gz", scan, affine)
    write_nifti(root / "train" / name / "GT.nii.gz", labels, affine)


def _corners(shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """What lies outside the circle that a scanner reconstructs."""
    i, j = np.ogrid[-1 : 1 : shape[0] * 1j, -1 : 1 : shape[1] * 1j]
    outside: NDArray[np.bool_] = i**2 + j**2 > 1
    return outside


def _write_abdomen(root: Path, number: int, rng: np.random.Generator) -> None:
    """An MR with one mask file per class; all of them empty in `EMPTY_ABDOMEN`."""
    axes, spacing, shape = ABDOMENS[number]
    affine = placed(shape, spacing, axes, rng.normal(0, 2.5, 3), rng.normal((0, -2, 0), (3, 3, 8)))
    layers = sample(abdomen.trunk(rng), SamplingGrid(shape, affine, SLABS))
    sequence = abdomen.SEQUENCES[list(ABDOMENS).index(number) % len(abdomen.SEQUENCES)]
    image = magnetic(
        rng, layers, _jittered(rng, sequence, 0.08), shape, rng.uniform(0.02, 0.04), rng.uniform(0.1, 0.25)
    )
    folder = root / f"s{number:04d}"
    write_nifti(folder / "mri.nii.gz", np.rint(image).astype(np.int16), affine)
    masks = visible(layers, abdomen.CLASSES, shape)
    absent = dict.fromkeys((*EMPTY_CLASSES, *(masks if number == EMPTY_ABDOMEN else ())), np.zeros(shape, bool))
    for name, mask in {**masks, **absent}.items():
        write_nifti(folder / "segmentations" / f"{name}.nii.gz", mask.astype(np.uint8), affine)


def _write_meta(path: Path, seed: int) -> None:
    rows = [META_COLUMNS]
    for place, number in enumerate(ABDOMENS):
        rng = generator(seed, "meta", str(number))
        split = "test" if place % 2 else "train"
        gender = "mf"[rng.integers(2)]
        rows.append(
            (
                f"s{number:04d}",
                f"{rng.integers(25, 85)}",
                gender,
                "phantom",
                "mr abdomen",
                split,
                "none",
                "none",
                "",
                "",
                "",
            )
        )
    path.write_text("".join(";".join(row) + "\n" for row in rows))
