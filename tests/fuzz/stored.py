"""Damaged files of the program's own: weights in each format, shards of masks, sound but for changed bytes."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from hypothesis import strategies as st
from safetensors.torch import save_file

from adapters.weights import checkpoint, convert
from bench.errors import RunError
from bench.store.masks import MaskShard
from tests.fuzz.outcomes import Tally
from tests.fuzz.readers import CHANGE, Change, edit

SHAPE = (3, 2)
CASES = st.lists(CHANGE, min_size=1, max_size=4)


def _state() -> dict[str, torch.Tensor]:
    return {"weight": torch.linspace(-1, 1, 6).reshape(2, 3), "bias": torch.ones(2)}


def _shard(path: Path) -> None:
    mask = np.eye(*SHAPE, dtype=bool)
    MaskShard([{"target": "liver"}, {"target": "spleen"}], [mask, None], {"case": "a"}).save(path)


def _filled(path: Path) -> None:
    network = torch.nn.Linear(3, 2)
    checkpoint.check(path)
    checkpoint.fill(network, path)
    if not all(torch.isfinite(value).all() for value in network.state_dict().values()):
        raise ArithmeticError("weights are not finite")


def _converted(path: Path) -> None:
    convert.inspect(path)
    checkpoint.check(convert.convert(path, path.with_name("converted.safetensors"), confirmed=True))


def _loaded(path: Path) -> None:
    shard = MaskShard.load(path)
    if any(mask is not None and (mask.dtype != bool or mask.ndim != 2) for mask in shard.masks):
        raise TypeError("a mask that is none")


# By target: its file, how that is written and how it is read.
FILES: dict[str, tuple[str, Callable[[Path], object], Callable[[Path], None]]] = {
    "weights: safetensors": ("a.safetensors", lambda path: save_file(_state(), path), _filled),
    "weights: torch": ("a.pt", lambda path: torch.save(_state(), path), _filled),
    "weights: torch before 1.6": (
        "b.pt",
        lambda path: torch.save(_state(), path, _use_new_zipfile_serialization=False),
        _filled,
    ),
    "convert": ("c.pt", lambda path: torch.save({"model": _state(), "epoch": 3}, path), _converted),
    "mask shard": ("a.npz", _shard, _loaded),
}


class Attacked:
    """One file; each attack changes it and reads it."""

    def __init__(self, name: str, root: Path) -> None:
        file, write, self.read = FILES[name]
        self.name, self.path = name, root / file
        write(self.path)
        self.sound = self.path.read_bytes()

    def attack(self, tally: Tally, changes: Sequence[Change]) -> None:
        """Change some bytes, read the file."""
        raw = self.sound
        for change in changes:
            raw = edit(raw, *change)
        self.path.write_bytes(raw)

        def read() -> bool:
            self.read(self.path)
            return True

        tally.add(self.name, read, (ValueError, RunError))
