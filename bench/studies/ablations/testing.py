"""Dice of a trained network on an ablation's data sets, with the benchmark's samples, prompts and metrics."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby
from typing import Any, Literal

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor

from adapters import geometry
from adapters.families.segmote import SegmoteEmbedding, SegmoteSegmenter
from adapters.interface import Prompt, check_image
from bench.data import catalogue
from bench.data.case import Defect
from bench.reporting.tables.formats import AVERAGE, cells
from bench.scoring.metrics import areas, dice
from bench.studies.ablations.setting import Setting, few_class
from bench.studies.answers import pieces
from bench.studies.questions import DataSet, PromptedSlice, all_asked, data_sets
from segmote.training.embeddings import NAME_DIGITS, EmbeddingStore, open_store

Suite = Literal["zero-shot", "in-domain", "unprompted", "one-click"]
KINDS: dict[Suite, str] = {"zero-shot": "box", "in-domain": "box", "unprompted": "auto", "one-click": "click"}
PROTOCOL = "bench"
SLICES_AT_ONCE = 16


@dataclass(frozen=True, slots=True, eq=False)
class Tests:
    """The tests of a suite.

    Attributes:
        sets: its data sets.
        slices: of all data sets.
        defects: cases that cannot be read.
    """

    sets: Sequence[DataSet]
    slices: Sequence[PromptedSlice]
    defects: Sequence[Defect]


@lru_cache(maxsize=8)
def tests(setting: Setting, suite: Suite) -> Tests:
    """The prompted slices of a suite, read once per process.

    "zero-shot" and "in-domain" use boxes. "unprompted" and "one-click" use the data sets with one class: both the
    training sets (their test lists) and the zero-shot ones.
    """
    own = [one for one in data_sets(["imis"], setting.data) if one.title.rpartition("/")[2].lower() in setting.seven]
    foreign = data_sets(setting.zero_shot, setting.test_data)
    served = few_class(setting)
    few = [one for one in own if one.title.rpartition("/")[2].lower() in served]
    wanted = {"zero-shot": foreign, "in-domain": own}.get(suite, [*few, *(one for one in foreign if _is_few(one))])
    defects: list[Defect] = []
    found = [pair for pair in all_asked(wanted, KINDS[suite], PROTOCOL, 0, defects) if pair[1].questions]
    cases = [list(part) for _, part in groupby(found, lambda pair: (pair[0].title, pair[1].questions[0].case))]
    chosen = [one for part in cases for _, one in _spaced(part, setting.slices)]
    return Tests(wanted, chosen, defects)


def _is_few(one: DataSet) -> bool:
    return len(catalogue.load(one.name).rows) == 1


def _spaced(values: Sequence[Any], most: int | None) -> list[Any]:
    """At most that many of the values, evenly spaced, without the outermost where some are left out."""
    if most is None or len(values) <= most:
        return list(values)
    places = (np.arange(most) + 0.5) * len(values) / most
    return [values[int(place)] for place in places]


def measured(segmenter: SegmoteSegmenter, setting: Setting, suite: Suite) -> pd.DataFrame:
    """One row per question: dataset (its title), patient, case, slice, target, dice."""
    store = open_store(segmenter.network, setting.embeddings, False)
    rows: list[dict[str, Any]] = []
    for some in pieces(tests(setting, suite).slices, SLICES_AT_ONCE):
        encoded = encode(segmenter, store, some)
        pairs = [(image, one) for image, part in zip(encoded, some, strict=True) for one in part.questions]
        requests: list[tuple[Any, Prompt]] = [(image, question.prompt) for image, question in pairs]
        predictions = segmenter.decode(requests)
        for (_, question), prediction in zip(pairs, predictions, strict=True):
            facts = {name: getattr(question, name) for name in ("dataset", "patient", "case", "slice", "target")}
            rows.append(facts | {"dice": dice(areas(question.mask, prediction.mask.cpu().numpy()))})
    return pd.DataFrame(rows)


@torch.no_grad()
def encode(
    segmenter: SegmoteSegmenter, store: EmbeddingStore, slices: Iterable[PromptedSlice]
) -> list[SegmoteEmbedding]:
    """The encoded images of slices; the frozen encoder's embeddings are kept on disk."""
    made = []
    for one in slices:
        embedding, early = _kept(segmenter, store, check_image(one.sample.image))
        details = segmenter.network.details(embedding[None], early[None])[0]
        made.append(SegmoteEmbedding(embedding, details, geometry.squash(one.sample.image.shape[:2], segmenter.side)))
    return made


def _kept(segmenter: SegmoteSegmenter, store: EmbeddingStore, image: NDArray[np.uint8]) -> tuple[Tensor, Tensor]:
    digest = hashlib.sha256(str(image.shape).encode() + image.tobytes()).hexdigest()[:NAME_DIGITS]
    path = store.folder / f"{digest}.safetensors"
    if store.lacks(path):
        embedding, early = segmenter.network.encode(segmenter.prepare(image)[0][None])
        store.write(path, embedding[0], early[0])
    return store.read(path)


def averages(records: pd.DataFrame, setting: Setting, suite: Suite) -> pd.Series:
    """Dice in percent by data set (its title): the mean over classes of the mean over a class's masks, as in a run."""
    names = {one.title: catalogue.load(one.name).rows for one in tests(setting, suite).sets}
    long = records.rename(columns={"dice": "value"}).assign(model="", metric="dice", prompt=suite, round=1)
    long["status"] = np.where(long["value"].isna(), "undefined", "ok")
    found = cells(long, "macro_class", names)
    return pd.Series({title: 100 * cell.value for (title, row, _), cell in found.items() if row == AVERAGE})
