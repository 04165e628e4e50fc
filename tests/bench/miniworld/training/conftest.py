"""A pool of a few pictures, batches from it, and families that train in a moment."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from bench.miniworld.training import build, engine, pools
from bench.miniworld.training.batches import PictureBatch, Source, Variation
from bench.miniworld.training.families import FAMILIES, Family
from bench.miniworld.training.pools import SIDE, Pool

CPU = torch.device("cpu")


@pytest.fixture(scope="session")
def pool() -> Pool:
    """Six grey pictures, each with a bright square and a dark bar."""
    images, masks, owner = np.full((6, SIDE, SIDE, 3), 120, np.uint8), [], []
    for number in range(6):
        square, bar = np.zeros((2, SIDE, SIDE), bool)
        square[20 : 40 + 4 * number, 30:60] = True
        bar[70 + 5 * number : 80 + 5 * number, 20:100] = True
        images[number][square], images[number][bar] = 220, 30
        masks += [np.packbits(square, axis=-1), np.packbits(bar, axis=-1)]
        owner += [number, number]
    return Pool(images, np.stack(masks), np.array(owner), np.array([3, 0] * 6, np.int16))


@pytest.fixture(scope="session")
def source(pool) -> Source:
    return Source(pool, CPU)


@pytest.fixture
def generator() -> torch.Generator:
    return torch.Generator().manual_seed(0)


@pytest.fixture
def batch(source, generator) -> PictureBatch:
    return source.draw(4, 2, Variation(), generator)


@pytest.fixture
def tiny_pools(tmp_path, monkeypatch):
    """Pools of four pictures in a folder of their own, and validation on two."""
    monkeypatch.setattr(pools, "folder", lambda: tmp_path / "pools")
    monkeypatch.setattr(pools, "OF_A_FILE", 4)
    monkeypatch.setattr("bench.miniworld.training.engine.PICTURES", 4)
    monkeypatch.setattr("bench.miniworld.training.engine.PICTURES_OF", {})
    monkeypatch.setattr("bench.miniworld.training.validation.PICTURES", 2)


@pytest.fixture
def quick(tiny_pools, tmp_path, monkeypatch) -> dict[str, Family]:
    """The families with steps of two pictures; unfinished trainings are kept in the test's own folder."""
    small = {
        name: replace(family, stages=tuple(replace(stage, pictures=2, objects=2) for stage in family.stages))
        for name, family in FAMILIES.items()
    }
    monkeypatch.setattr(build, "FAMILIES", small)
    monkeypatch.setattr(build, "checkpoint", lambda name, share=1.0: tmp_path / "checkpoints" / f"{name}.pt")
    monkeypatch.setattr(engine, "faster_precision", lambda *_: "fp32")
    return small
