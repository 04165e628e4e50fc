"""Objects asked for in rounds, by our faster path or by the published one: a box, then a click where the mask is wrong.

The published path is the official predictor of the packages `segment_anything` and `sam2` where there is one for the
model, one object at a time; for other models our own network with the authors' arithmetic, one object at a time.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from adapters.interface import Prediction, Prompt, Segmenter, check_image
from adapters.published import published_arithmetic
from bench import protocols
from bench.data.case import Mask
from bench.predicting.prompts import to_prompt
from bench.prompting.clicks import next_click
from bench.prompting.prompt import Click, SimulatedPrompt
from bench.prompting.seeds import generator
from bench.studies.looking import BoxedTarget

ROUNDS = 3
LARGEST_LOGIT = 32.0  # SAM 2's predictor hands out no larger ones


@dataclass(frozen=True, slots=True, eq=False)
class Answer:
    """What a model drew in one round.

    Attributes:
        logits: (h, w) low-resolution logits; SAM 2's are clipped as its predictor does.
        mask: (H, W) bool.
        feedback: (1, h, w) for the next round, or None.
    """

    logits: torch.Tensor
    mask: Mask
    feedback: torch.Tensor | None


Ask = Callable[[Prompt], Answer]


@dataclass(slots=True, eq=False)
class Session:
    """One object and what was asked and answered so far."""

    target: BoxedTarget
    answers: list[Answer] = field(default_factory=list)
    clicks: list[Click] = field(default_factory=list)

    @property
    def feedback(self) -> torch.Tensor | None:
        """The mask handed back with the last answer."""
        return self.answers[-1].feedback if self.answers else None

    def prompt(self, feedback: torch.Tensor | None) -> Prompt:
        """The next question: the box and all clicks so far, with a mask of the round before."""
        return to_prompt(SimulatedPrompt(box=self.target.box), self.clicks, feedback)

    def take(self, answer: Answer) -> None:
        """Keep an answer and click where it is wrong."""
        self.answers.append(answer)
        protocol, rng = protocols.load("bench"), generator("equality", len(self.answers))
        click = next_click(self.target.mask, answer.mask, protocol, rng, self.clicks)
        self.clicks += [click] if click is not None else []

    def dice(self, number: int) -> float:
        """Dice (0 to 1) of a round, counted from 0."""
        mask, target = self.answers[number].mask, self.target.mask
        return 2 * float((mask & target).sum()) / float(mask.sum() + target.sum())


def rounds_of(model: Segmenter) -> int:
    """How many rounds a model can be asked: one if it takes no clicks or no mask."""
    return ROUNDS if {"points", "mask"} <= model.card.accepts else 1


def ask_together(model: Segmenter, targets: Sequence[BoxedTarget], rounds: int) -> list[Session]:
    """All objects at once: each picture is encoded once, and in each round all prompts are decoded together."""
    pictures = {id(target.picture): target.picture for target in targets}
    encoded = dict(zip(pictures, model.encode(list(pictures.values())), strict=True))
    sessions = [Session(target) for target in targets]
    for _ in range(rounds):
        requests = [(encoded[id(session.target.picture)], session.prompt(session.feedback)) for session in sessions]
        for session, drawn in zip(sessions, model.decode(requests), strict=True):
            session.take(_answer(model, drawn))
    return sessions


def ask_one_by_one(model: Segmenter, ours: Sequence[Session]) -> list[Session]:
    """Each object on its own by the published path; a picture is encoded once for all its objects in a row.

    Each round begins from the mask that our path handed back: rounding would otherwise grow from round to round, in
    some networks tenfold, and say nothing about the round at hand. Clicks are the session's own.

    Args:
        model: asked by its published path.
        ours: the sessions of `ask_together`.
    """
    sessions, shown, ask = [Session(our.target) for our in ours], None, None
    with published_arithmetic(), torch.no_grad():
        for session, our in zip(sessions, ours, strict=True):
            if ask is None or shown is not session.target.picture:
                shown = session.target.picture
                ask = published(model, shown)
            for feedback in (None, *(answer.feedback for answer in our.answers[:-1])):
                session.take(ask(session.prompt(feedback)))
    return sessions


def published(model: Segmenter, picture: NDArray[np.uint8]) -> Ask:
    """The published path for one picture, which is encoded by this call."""
    made = OFFICIAL.get(_family(model), _own)
    return made(model, picture)


def published_name(model: Segmenter) -> str:
    """What the published path is."""
    names = {"sam": "segment_anything.SamPredictor", "sam2": "sam2.SAM2ImagePredictor"}
    return names.get(_family(model), "the published arithmetic, one by one")


def _own(model: Segmenter, picture: NDArray[np.uint8]) -> Ask:
    (encoded,) = model.encode([picture])
    return lambda prompt: _answer(model, model.decode([(encoded, prompt)])[0])


def _sam(model: Segmenter, picture: NDArray[np.uint8]) -> Ask:
    from segment_anything import SamPredictor  # noqa: PLC0415 - only this model needs it

    predictor = SamPredictor(model.network)
    predictor.set_image(check_image(picture))
    return lambda prompt: _official(predictor, prompt)


def _sam2(model: Segmenter, picture: NDArray[np.uint8]) -> Ask:
    from sam2.sam2_image_predictor import SAM2ImagePredictor  # noqa: PLC0415 - only this model needs it

    network: Any = model.network
    predictor = SAM2ImagePredictor(network)
    grid = network.sam_image_embedding_size  # the predictor's own sizes are those of 1024 pixels
    predictor._bb_feat_sizes = [(scale * grid, scale * grid) for scale in (4, 2, 1)]
    predictor.set_image(check_image(picture))
    return lambda prompt: _official(predictor, prompt)


OFFICIAL: dict[str, Callable[[Segmenter, NDArray[np.uint8]], Ask]] = {"sam": _sam, "sam2": _sam2}


def _official(predictor: Any, prompt: Prompt) -> Answer:
    """A predictor's answer to a prompt that is not ambiguous: its single mask."""
    masks, _, logits = predictor.predict(
        point_coords=None if prompt.points is None else prompt.points.xy,
        point_labels=None if prompt.points is None else prompt.points.labels.astype(np.int32),
        box=prompt.box,
        mask_input=None if prompt.previous is None else prompt.previous.numpy(),
        multimask_output=False,
    )
    low = torch.as_tensor(logits)
    return Answer(low[0], np.asarray(masks[0], bool), low)


def _answer(model: Segmenter, drawn: Prediction) -> Answer:
    bounded = _family(model) == "sam2"
    logits = drawn.logits.clamp(-LARGEST_LOGIT, LARGEST_LOGIT) if bounded else drawn.logits
    return Answer(logits, drawn.mask.cpu().numpy(), drawn.feedback)


def _family(model: Segmenter) -> str:
    return model.card.name.partition("/")[0]
