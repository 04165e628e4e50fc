"""ISIC 2016, 2017 and 2018, and SZ-CXR: pictures with one mask each, in the folders of the releases."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from bench.miniworld.phantoms.pictures import chest_xray, dermoscopy
from bench.miniworld.phantoms.seeding import generator
from bench.miniworld.phantoms.sources.spoiling import spoiled

# Year: folders of pictures and of masks, and what follows the id in a mask's name.
ISIC_YEARS = {
    2016: ("ISBI2016_ISIC_Part1_Training_Data", "ISBI2016_ISIC_Part1_Training_GroundTruth", "_Segmentation"),
    2017: ("ISIC-2017_Training_Data", "ISIC-2017_Training_Part1_GroundTruth", "_segmentation"),
    2018: ("ISIC2018_Task1-2_Training_Input", "ISIC2018_Task1_Training_GroundTruth", "_segmentation"),
}
SHARED_PART = 8  # one lesion in so many of a year is also in the next one
SIDES = (96, 161)
JPEG_QUALITY = 95
FIRST_TB = 327  # Shenzhen: people below are normal, those from here on have tuberculosis


def isic_numbers(year: int, count: int) -> range:
    """The ids of a year's lesions, the first of which are the last of the year before."""
    first = (year - min(ISIC_YEARS)) * (count - count // SHARED_PART)
    return range(first, first + count)


def write_isic(root: Path, seed: int, count: int) -> None:
    """Write three years of `count` lesions each below `root`; an id that is in two years is the same picture."""
    for year, (images, masks, suffix) in ISIC_YEARS.items():
        for folder in (images, masks):
            (root / folder).mkdir(parents=True)
        (root / images / "ATTRIBUTION.txt").write_text("Procedural phantoms.\n")
        for number in isic_numbers(year, count):
            name = f"ISIC_{number:07}"
            rng = generator(seed, "isic", name)
            drawn = dermoscopy(rng, _shape(rng))
            picture = _spoiled(rng, drawn.image)
            Image.fromarray(picture).save(root / images / f"{name}.jpg", quality=JPEG_QUALITY)
            _save_mask(root / masks / f"{name}{suffix}.png", drawn.masks["lesion"])


def write_sz_cxr(root: Path, seed: int, count: int) -> None:
    """Write `CXR_png` and `mask` below `root`, half of the people with tuberculosis by their names."""
    for folder in ("CXR_png", "mask"):
        (root / folder).mkdir(parents=True)
    for place in range(count):
        ill, rank = place % 2, place // 2
        name = f"CHNCXR_{rank + (FIRST_TB if ill else 1):04}_{ill}"
        rng = generator(seed, "sz-cxr", name)
        drawn = chest_xray(rng, _shape(rng))
        Image.fromarray(_spoiled(rng, drawn.image)).save(root / f"CXR_png/{name}.png")
        _save_mask(root / f"mask/{name}_mask.png", drawn.masks["lung_right"] | drawn.masks["lung_left"])


def _shape(rng: np.random.Generator) -> tuple[int, int]:
    height, width = (int(side) for side in rng.integers(*SIDES, 2))
    return height, width


def _spoiled(rng: np.random.Generator, picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return spoiled(rng, picture.astype(np.float32), 0, 255).astype(np.uint8)


def _save_mask(path: Path, mask: NDArray[np.bool_]) -> None:
    Image.fromarray(255 * mask.astype(np.uint8)).save(path)
