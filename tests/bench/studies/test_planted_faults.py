"""Faults that are planted on purpose turn the comparison of Dice with its reference red."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from adapters import geometry
from adapters.families.sam import SamSegmenter
from bench.comparing import reference
from bench.config import RunConfig
from bench.data import slicing
from bench.miniworld import folders
from bench.prompting import boxes
from bench.prompting.prompt import SimulatedPrompt
from bench.running.run import run

pytestmark = pytest.mark.slow
MODELS = ("sam/mini", "medsam/mini")


def dice(out: Path) -> Path:
    config = RunConfig(
        models=MODELS, datasets=folders.ZERO_SHOT, prompts=("box",), clicks=1, protocol="bench",
        data=folders.phantom_data(), world="phantom", weights=None, out=out, limit=2, seed=0, device="cpu",
        precision="fp32", jobs=1, engine="local", untrained_prompts=False, allow_random=False,
    )  # fmt: skip
    run(config)
    return out


@pytest.fixture(scope="module")
def sound(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("sound")
    reference.write_reference(dice(folder / "run"), folder / "reference.json")
    return folder / "reference.json"


def moved(sound: Path, out: Path) -> list[str]:
    return reference.verify(dice(out), sound)


def test_the_same_run_again_is_green(sound, tmp_path):
    assert moved(sound, tmp_path / "again") == []


def test_pictures_flipped_before_encoding_are_noticed(sound, tmp_path, monkeypatch):
    encode = SamSegmenter.encode
    mirrored = lambda self, images: encode(self, [image[:, ::-1].copy() for image in images])  # noqa: E731
    monkeypatch.setattr(SamSegmenter, "encode", mirrored)
    rows = moved(sound, tmp_path / "flipped")
    for model in MODELS:
        assert sum(model in row and "Average" in row for row in rows) >= 1, rows


def test_a_wrong_window_is_noticed(sound, tmp_path, monkeypatch):
    monkeypatch.setattr(slicing, "CT_WINDOW_HU", (-1000.0, 1000.0))
    rows = moved(sound, tmp_path / "window")
    assert rows and all("segthor" in row for row in rows)


def test_larger_boxes_are_noticed(sound, tmp_path, monkeypatch):
    box = boxes.box

    def larger(target, protocol, rng):
        x0, y0, x1, y1 = box(target, protocol, rng).box
        centre, half = np.array([x0 + x1, y0 + y1]) / 2, 1.1 * np.array([x1 - x0, y1 - y0]) / 2
        height, width = target.shape
        corners = np.concatenate([centre - half, centre + half]).clip(0, [width, height] * 2)
        return SimulatedPrompt(box=corners.astype(np.float32))

    monkeypatch.setattr(boxes, "box", larger)
    assert moved(sound, tmp_path / "larger")


def test_masks_half_a_pixel_larger_are_noticed(sound, tmp_path, monkeypatch):
    for name in ("to_original", "to_original_by_input"):
        original = getattr(geometry, name)
        monkeypatch.setattr(geometry, name, lambda values, frame, original=original: _grown(original(values, frame)))
    assert moved(sound, tmp_path / "grown")


def _grown(values: torch.Tensor) -> torch.Tensor:
    """Values (N, H, W), each the largest within half a pixel along either axis."""
    height, width = values.shape[-2:]
    shifts = [(0.0, 0.0), (1 / width, 0.0), (-1 / width, 0.0), (0.0, 1 / height), (0.0, -1 / height)]
    moved = []
    for x, y in shifts:
        turn = torch.tensor([[[1.0, 0.0, x], [0.0, 1.0, y]]])
        grid = F.affine_grid(turn, [1, 1, height, width], align_corners=False)
        moved.append(F.grid_sample(values[None].float(), grid, align_corners=False, padding_mode="border")[0])
    return torch.stack(moved).amax(0)
