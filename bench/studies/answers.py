"""A SegMoTE network's answers to prompted slices, with everything its routers decided."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any, TypeVar

import torch
from torch import Tensor

from adapters.families.segmote import SegmoteSegmenter
from adapters.interface import Segmenter
from bench.errors import RunError
from bench.studies.questions import PromptedSlice, Question
from segmote.network.expert_decoder import ExpertMasks
from segmote.network.heat_maps import watched

SLICES_AT_ONCE = 8
T = TypeVar("T")


@dataclass(frozen=True, slots=True, eq=False)
class Answers:
    """The network's predictions for B questions about some slices.

    Attributes:
        asked: the slices.
        questions: B of them, slice by slice.
        encoded: the image of each question.
        drawn: masks and routings of the B rows.
        attention: (B, heads, N, h * w) per layer: what the expert tokens attend to.
    """

    asked: list[PromptedSlice]
    questions: list[Question]
    encoded: list[Any]
    drawn: ExpertMasks
    attention: list[Tensor]


def routed(segmenter: Segmenter) -> SegmoteSegmenter:
    """The model as a SegMoTE segmenter, whose routers can be studied.

    Raises:
        RunError: it is not a SegMoTE model.
    """
    if not isinstance(segmenter, SegmoteSegmenter):
        raise RunError(f"{segmenter.card.name} has no expert tokens; name a SegMoTE model, for example segmote/mini")
    return segmenter


@torch.no_grad()
def answers(segmenter: SegmoteSegmenter, slices: Iterable[PromptedSlice]) -> Iterator[Answers]:
    """Predict all targets, a few slices at a time; slices without questions are left out."""
    for some in pieces((one for one in slices if one.questions), SLICES_AT_ONCE):
        images = segmenter.encode([one.sample.image for one in some])
        pairs = [(image, question) for image, one in zip(images, some, strict=True) for question in one.questions]
        encoded, questions = [image for image, _ in pairs], [question for _, question in pairs]
        with watched(segmenter.network.mask_decoder) as attention:
            drawn = segmenter.draw([(image, question.prompt) for image, question in pairs])
        yield Answers(some, questions, encoded, drawn, attention)


def pieces(values: Iterable[T], size: int) -> Iterator[list[T]]:
    """The values in lists of that size; the last one may be shorter.

    >>> list(pieces("abcde", 2))
    [['a', 'b'], ['c', 'd'], ['e']]
    """
    rest = iter(values)
    while piece := list(islice(rest, size)):
        yield piece
