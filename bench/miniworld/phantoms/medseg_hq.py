"""The mini MedSeg-HQ: the in-domain training world on disk, in the IMIS layout.

Layout: specs of IMIS-Bench (`<code>/dataset.json`, `image/`, `label/` with the label's shape in its file name).
"""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image
from scipy import sparse

from bench.miniworld.phantoms.medical import CLASSES, medical_sample
from bench.miniworld.phantoms.sample import TrainingSample
from bench.miniworld.phantoms.seeding import generator

CODES = {
    "PHANTOM_CT": "CT",
    "PHANTOM_T1": "T1",
    "PHANTOM_T2": "T2",
    "PHANTOM_FLAIR": "FLAIR",
    "PHANTOM_XRAY": "X-ray",
    "PHANTOM_DERMOSCOPY": "dermoscopy",
    "PHANTOM_ULTRASOUND": "ultrasound",
}
IMAGES_A_PATIENT = 2
TEST_SHARE = 6

Vary = Callable[[TrainingSample, np.random.Generator], TrainingSample]


def _as_drawn(sample: TrainingSample, rng: np.random.Generator) -> TrainingSample:
    return sample


def _write_item(folder: Path, stem: str, drawn: TrainingSample) -> dict[str, str]:
    """Writes picture and labels; returns their paths relative to the folder."""
    classes = CLASSES[drawn.modality]
    shape = (len(classes), *drawn.image.shape[:2], 1)
    empty = np.zeros(shape[1:3], bool)
    labels = np.stack([drawn.masks.get(name, empty) for name in classes]).astype(np.int32)
    item = {"image": f"image/{stem}.png", "label": f"label/x___{stem}.{shape}.npz"}
    Image.fromarray(drawn.image).convert("RGB").save(folder / item["image"])
    sparse.save_npz(folder / item["label"], sparse.csr_matrix(labels.reshape(len(classes), -1)))
    return item


def _write_code(folder: Path, code: str, seed: int, images: int, vary: Vary) -> None:
    modality = CODES[code]
    (folder / "image").mkdir(parents=True, exist_ok=True)
    (folder / "label").mkdir(exist_ok=True)
    lists: dict[str, list[dict[str, str]]] = {"training": [], "test": []}
    for number in range(images):
        patient, view = divmod(number, IMAGES_A_PATIENT)
        stem = f"{code.removeprefix('PHANTOM_')}_{patient + 1:03d}_{view + 1:02d}"
        rng = generator(seed, "medseg-hq", code, str(number))
        drawn = vary(medical_sample(rng, modality), rng)
        split = "test" if patient % TEST_SHARE == TEST_SHARE - 1 else "training"
        lists[split].append(_write_item(folder, stem, drawn))
    names = ("background", *CLASSES[modality])
    description = {
        "name": code,
        "description": f"procedural phantoms, {modality}",
        "dimension": "2D",
        "modality": {"0": modality},
        "labels": {str(number): name for number, name in enumerate(names)},
        "numTraining": len(lists["training"]),
        "training": lists["training"],
        "numTest": len(lists["test"]),
        "test": lists["test"],
    }
    (folder / "dataset.json").write_text(json.dumps(description, indent=1))


def write_medseg_hq(root: Path, seed: int = 0, images: int = 24, vary: Vary = _as_drawn) -> None:
    """Writes one folder per code of `CODES` below `root`.

    Args:
        root: made if missing.
        seed: decides every byte.
        images: pictures per code, two of each patient; every sixth patient is in the test list.
        vary: what is done to a picture and its masks before they are written.

    Raises:
        ValueError: fewer than 12 images, so that the test list would be empty.
    """
    least = IMAGES_A_PATIENT * TEST_SHARE
    if images < least:
        raise ValueError(f"images must be at least {least} so that a patient is left to test on, got {images}")
    for code in CODES:
        _write_code(root / code, code, seed, images, vary)
