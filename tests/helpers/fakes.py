"""Segmenters and a data set that need no weights and no files, so that the whole pipeline runs in a moment."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
import torch

import adapters
from adapters.interface import Card, Prediction, Prompt
from bench.config import RunConfig
from bench.data import datasets
from bench.data.case import Case, DataError, Dataset, Defect, Item
from bench.predicting import predict

KINDS = ({"box"}, {"points"}, {"points", "mask"}, {"text"}, {"auto"})
BOX, POINTS, ROUNDS, TEXT, AUTO = map(frozenset, KINDS)


def card(name: str, trained: set) -> Card:
    accepts = frozenset({"box", "points", "mask", "text"}) | ({"auto"} if AUTO in trained else set())
    return Card(name, name, accepts, frozenset(trained), 0, None, "-", "-", "-", "-")


class Fake:
    """Draws squares around clicks (or fills the box) and remembers how often it was asked."""

    cards: ClassVar = {
        "fake/good": card("fake/good", {BOX, POINTS, ROUNDS, TEXT}),
        "fake/boxes": card("fake/boxes", {BOX}),
        "fake/raises": card("fake/raises", {BOX, POINTS, ROUNDS}),
        "fake/several": card("fake/several", {BOX, POINTS, ROUNDS, BOX | ROUNDS, AUTO}),
        "fake/dies": card("fake/dies", {BOX, POINTS, ROUNDS}),
    }
    encoded = 0
    dies_after = 3

    def __init__(self, card: Card, network: torch.nn.Module, device: object, precision: str) -> None:
        self.card, self.network = card, network

    @staticmethod
    def build(variant: str) -> torch.nn.Module:
        return torch.nn.Module()

    def encode(self, images: Sequence[np.ndarray]) -> list[np.ndarray]:
        Fake.encoded += len(images)
        if self.card.name == "fake/dies" and Fake.encoded > Fake.dies_after:
            raise KeyboardInterrupt
        if self.card.name == "fake/raises" and any(image[0, 0] == 255 for image in images):
            raise RuntimeError("a bright pixel")
        return list(images)

    def decode(self, requests, *, multimask=None) -> list[Prediction]:
        return [self._one(image, prompt) for image, prompt in requests]

    def _one(self, image: np.ndarray, prompt: Prompt) -> Prediction:
        mask = np.zeros(image.shape[:2], bool)
        if prompt.box is not None:
            x0, y0, x1, y1 = prompt.box.astype(int)
            mask[y0:y1, x0:x1] = True
        clicks = [] if prompt.points is None else zip(prompt.points.xy.astype(int), prompt.points.labels, strict=True)
        for (x, y), label in clicks:
            mask[max(0, y - 2) : y + 3, max(0, x - 2) : x + 3] = bool(label)
        if prompt.text == "bar":
            mask[13:15, 1:19] = True
        if not prompt.kinds - {"auto"}:
            mask[3:9, 4:12] = True
        if self.card.name == "fake/several":
            return self._several(mask)
        logits = torch.from_numpy(mask).float()[None] * 2 - 1
        return Prediction(torch.from_numpy(mask), 0.5, logits[0], logits, logits, torch.tensor([0.5]), 0)

    def _several(self, mask: np.ndarray) -> Prediction:
        """Proposes the mask without its first row, nothing, and the mask, and takes the first."""
        less = mask.copy()
        less[np.flatnonzero(mask.any(axis=1))[:1]] = False
        logits = torch.from_numpy(np.stack([less, np.zeros_like(mask), mask])).float() * 2 - 1
        scores = torch.tensor([0.9, 0.2, 0.4])
        return Prediction(logits[0] > 0, 0.9, logits[0], logits[:1], logits, scores, 0)

    def masks(self, encoded: np.ndarray, logits: torch.Tensor) -> torch.Tensor:
        return logits > 0


MODELS = dict.fromkeys(Fake.cards, "tests.helpers.fakes:Fake")


def index(root: Path) -> list[Item | Defect]:
    items = [Item("squares", f"p{i // 2}", f"c{i}", "MR", {}) for i in range(4)]
    return [*items, Item("squares", "p9", "unreadable", "MR", {}), Defect("squares", "p8", "c8", "skipped", "no mask")]


def read(item: Item) -> Case:
    """A volume of three slices: a square with a notch in two of them, a bar in the third; c1 has a bright pixel."""
    if item.case == "unreadable":
        raise DataError("unreadable.nii.gz: CRC check failed")
    number = int(item.case[1:]) if item.case[1:].isdigit() else 0
    square, bar = np.zeros((2, 20, 16, 3), bool)
    square[3 : 9 + number, 4:12, :2] = True
    square[3:5, 4:6, :2] = False
    bar[1:19, 13:15, 2] = True
    image = np.full((20, 16, 3), 10, np.int16) + 40 * square + 60 * bar
    if number == 1:
        image[0, 0, 1] = 1000
    return Case(
        "squares", item.patient, item.case, "MR", image, {"square": square, "bar": bar}, (1.0, 1.0, 3.0), np.eye(4)
    )


SQUARES = Dataset(
    name="squares",
    title="Squares",
    modality="MR",
    rows={"Square": ("square",), "Bar": ("bar",)},
    licence="-",
    source="-",
    citation="-",
    layout="nothing",
    find=lambda root: [root],
    index=index,
    read=read,
)


NAMES: tuple[str, ...] = ("c0", "c1")  # of the cases of `NAMED`
NAMED = replace(SQUARES, index=lambda root: [Item("squares", name, name, "MR", {}) for name in NAMES])


def register(patch: pytest.MonkeyPatch) -> None:
    """Put the fake models and the data set into the registries, never asked before."""
    for name, where in MODELS.items():
        patch.setitem(adapters.REGISTRY, name, where)
    patch.setitem(datasets.REGISTRY, "squares", "tests.helpers.fakes:SQUARES")
    patch.setattr(Fake, "encoded", 0)
    predict.load.cache_clear()


def leave_out_figures(patch: pytest.MonkeyPatch) -> None:
    """Let runs end with their tables."""
    patch.setattr("bench.reporting.report.write_page", lambda run, tables, jobs: None)


def config(out: Path, **changes: object) -> RunConfig:
    """A run of a baseline and a fake with boxes on the squares, or what differs from it."""
    chosen = {
        "models": ("baseline/box", "fake/good"),
        "datasets": ("squares",),
        "prompts": ("box",),
        "clicks": 3,
        "protocol": "bench",
        "data": out.parent,
        "world": "real",
        "weights": None,
        "out": out,
        "limit": None,
        "seed": 0,
        "device": "cpu",
        "precision": "fp32",
        "jobs": 1,
        "engine": "local",
        "untrained_prompts": False,
        "allow_random": False,
    }
    return RunConfig(**(chosen | changes))
