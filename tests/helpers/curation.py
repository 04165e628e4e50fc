"""A small source with planted defects, and what the curator must say of each."""

import shutil
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from tests.helpers.layouts import write_png

SIDE = 64
PATIENTS, VIEWS = 20, 2
PLANTED = {
    "P90_1": "clarity",
    "P91_1": "no foreground",
    "P92_1": "foreground ratio",
    "P93_1": "near-duplicate of folder P03_1",
    "P94_1": "leaked: the pixels of evaluation image folder P94_1",
    "P95_1": "leaked: looks like evaluation image folder P95_1",
    "P96_1": "images/P96_1.png: ",
    "P97_1": "constant image",
    "P98_1": "regions; at most",
    "P94_2": "leaked: another image of patient P94",
}


def picture(seed: int) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """A textured picture (64, 64) with a bright ellipse, and the ellipse's mask of 0 and 255."""
    rng = np.random.default_rng(seed)
    texture = ndimage.gaussian_filter(rng.normal(size=(SIDE, SIDE)), 4)
    row, column = rng.uniform(24, 40, 2)
    rows, columns = np.indices((SIDE, SIDE))
    inside = ((rows - row) / rng.uniform(8, 16)) ** 2 + ((columns - column) / rng.uniform(8, 16)) ** 2 < 1
    grey = 100 + 40 * texture / texture.std() + 60 * inside + rng.normal(scale=4, size=(SIDE, SIDE))
    return np.clip(grey, 0, 255).astype(np.uint8), np.uint8(255) * inside


def source(root: Path) -> Path:
    """20 patients with two sound pictures each, and those of `PLANTED`."""
    for patient in range(PATIENTS):
        for view in range(VIEWS):
            add(root, f"P{patient:02}_{view + 1}", *picture(patient * VIEWS + view))
    planted = {name: picture(1000 + number) for number, name in enumerate(PLANTED)}
    image, mask = planted["P90_1"]
    planted["P90_1"] = ndimage.gaussian_filter(image, 5), mask
    planted["P91_1"] = planted["P91_1"][0], np.zeros_like(mask)
    tiny = np.zeros_like(mask)
    tiny[30, 30] = 255
    planted["P92_1"] = planted["P92_1"][0], tiny
    image, mask = picture(3 * VIEWS)
    planted["P93_1"] = image * 0.9 + np.random.default_rng(7).normal(scale=1.5, size=image.shape), mask
    planted["P97_1"] = np.full_like(image, 80), mask
    islands = np.zeros_like(mask)
    islands[::4, ::4] = 255
    planted["P98_1"] = planted["P98_1"][0], islands
    for name, (image, mask) in planted.items():
        add(root, name, image, mask)
    (root / "images/P96_1.png").write_bytes((root / "images/P96_1.png").read_bytes()[:200])
    return root


def evaluation(root: Path, of: Path) -> Path:
    """A set to test on that has one picture of the source as it is, and one brighter and smaller."""
    for name in ("images/P94_1.png", "masks/P94_1.png"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(of / name, root / name)
    with Image.open(of / "images/P95_1.png") as image, Image.open(of / "masks/P95_1.png") as mask:
        brighter = Image.fromarray(np.clip(np.asarray(image) + 6.0, 0, 255).astype(np.uint8))
        add(root, "P95_1", *(np.asarray(one.resize((56, 56), Image.Resampling.BOX)) for one in (brighter, mask)))
    path = root / "masks/P95_1.png"
    write_png(path, np.where(np.asarray(Image.open(path)) > 127, 255, 0).astype(np.uint8))
    return root


def add(root: Path, name: str, image: NDArray[Any], mask: NDArray[Any]) -> None:
    """One picture and its mask in the layout of plain folders."""
    write_png(root / f"images/{name}.png", np.clip(image, 0, 255).astype(np.uint8))
    write_png(root / f"masks/{name}.png", mask.astype(np.uint8))
