"""A network and a data set so small that a training takes seconds, and the trainings that tests start as processes."""

import json
import os
import signal
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from scipy import sparse

from adapters.families.imis import MINI_VOCABULARY
from segmote.imis.image_encoder import EncoderConfig
from segmote.imis.text import TextConfig
from segmote.network.config import RELEASED, SegmoteConfig
from segmote.network.model import Segmote
from segmote.recipe import RECIPES, Recipe
from segmote.training import data, files
from segmote.training.batches import Batch
from segmote.training.data import (
    TrainingItem,
)
from segmote.training.settings import TrainConfig
from segmote.training.train import train

SIDE = 64
CONFIG = replace(
    RELEASED,
    image_size=SIDE,
    dim=16,
    heads=2,
    mlp=32,
    head=16,
    semantic=8,
    expert_rank=4,
    encoder=EncoderConfig(patch=16, grid=4, width=16, depth=2, heads=2, window=2, global_blocks=(0, 1), unused_neck=4),
    text=TextConfig(vocabulary=1024, width=16, depth=1, heads=2, positions=32),
)
SERVED = "few"


def network(config: SegmoteConfig = CONFIG) -> Segmote:
    """Untrained, the same every time."""
    torch.manual_seed(0)
    return Segmote(config, MINI_VOCABULARY).eval()


def recipe(name: str = "released", **changes: Any) -> Recipe:
    """A preset, shortened to three epochs of batches of four."""
    short = replace(RECIPES[name], epochs=3, batch=4, rate=1e-2, ppt_sets=(SERVED,), variants=0)
    return replace(short, **changes)


def write_set(folder: Path, patients: int, imask: bool = True) -> None:
    """Two pictures per patient, each with a rectangle and an ellipse as targets."""
    for part in ("image", "label", "imask"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(len(folder.name))
    items = [_item(folder, f"P_{number // 2:03d}_{number % 2:02d}", rng, imask) for number in range(2 * patients)]
    labels = {"0": "background", "1": "liver", "2": "lesion"}
    (folder / "dataset.json").write_text(json.dumps({"labels": labels, "training": items, "test": [{}]}))


def _item(folder: Path, stem: str, rng: np.random.Generator, imask: bool) -> dict[str, str]:
    height, width = 40, 56
    y, x = np.mgrid[:height, :width]
    top, left = rng.integers(2, 12, 2)
    masks = np.stack([(y >= top) & (y < top + 14) & (x < left + 9), (y - 26) ** 2 + (x - 3 * left) ** 2 < 80])
    item = {"image": f"image/{stem}.png", "label": f"label/x___{stem}.{(2, height, width, 1)}.npz"}
    pixels = 90 * masks[0] + 60 * masks[1] + rng.integers(0, 30, (height, width))
    Image.fromarray(pixels.astype(np.uint8)).save(folder / item["image"])
    sparse.save_npz(folder / item["label"], sparse.csr_matrix(masks.reshape(2, -1).astype(np.int32)))
    if imask:
        item["imask"] = f"imask/{stem}.npy"
        np.save(folder / item["imask"], (masks[0] - 1 * ~masks.any(0) + 2 * masks[1])[..., None].astype(np.int64))
    return item


def write_world(root: Path) -> Path:
    """A set that PPT serves and one that it does not."""
    write_set(root / SERVED, patients=3)
    write_set(root / "MANY", patients=4)
    return root


def run_until(killed_at: str, count: int) -> None:
    """Let the process kill itself at the n-th line of the log, or before the n-th checkpoint is kept."""
    function = {"line": files.Log.add, "checkpoint": files.save_checkpoint}[killed_at]
    calls = iter(range(1, 1000))

    def counted(*arguments: object) -> None:
        if next(calls) == count:
            os.kill(os.getpid(), signal.SIGKILL)
        function(*arguments)  # type: ignore[operator]

    if killed_at == "line":
        files.Log.add = counted  # type: ignore[method-assign]
    else:
        files.save_checkpoint = counted  # type: ignore[assignment]


def item(code: str, patient: str, number: int = 0) -> TrainingItem:
    """A picture of a patient that lies nowhere, for what only counts and orders."""
    return TrainingItem(code, patient, Path(f"{code}/{patient}_{number}.png"), Path("x.npz"), None, ("a",))


def zeros(batch: Batch) -> torch.Tensor:
    """Logits of nothing drawn, as large as those of `CONFIG`."""
    return torch.full((len(batch.targets), 1, 16, 16), -1.0)


if __name__ == "__main__":
    data, out, name, killed_at, count = sys.argv[1:]
    run_until(killed_at, int(count))
    train(network(), recipe(name), TrainConfig(Path(data), Path(out), accelerator="cpu"))
