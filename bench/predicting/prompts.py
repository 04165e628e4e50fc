"""Simulated prompts as models take them."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from adapters.interface import Points, Prompt
from bench.prompting.prompt import Click, SimulatedPrompt

if TYPE_CHECKING:
    from torch import Tensor


def to_prompt(given: SimulatedPrompt, corrections: Sequence[Click] = (), previous: "Tensor | None" = None) -> Prompt:
    """The prompt of one round.

    Args:
        given: the first prompt.
        corrections: clicks of later rounds.
        previous: the model's feedback of the last round.
    """
    clicks = [*given.clicks, *corrections]
    points = None
    if clicks:
        xy = np.array([(x, y) for x, y, _ in clicks], np.float32)
        points = Points(xy, np.array([label for *_, label in clicks]))
    return Prompt(box=given.box, points=points, text=given.text, previous=previous)
