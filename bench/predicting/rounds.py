"""The rounds of clicks: first prompts, then a correction after each mask."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from adapters.interface import Prediction, Prompt, Segmenter, VolumeSegmenter
from bench import protocols
from bench.clock import Spent
from bench.config import RunConfig
from bench.data.case import Item, Mask
from bench.data.slicing import Sample, stretch
from bench.predicting.prompts import to_prompt
from bench.predicting.transfer import all_finite, begin_to_host, to_host
from bench.prompting.clicks import next_click
from bench.prompting.kinds import KINDS
from bench.prompting.prompt import Click, SimulatedPrompt
from bench.prompting.table import generator_for
from bench.store.masks import PackedMasks

if TYPE_CHECKING:
    import torch


@dataclass(slots=True)
class CasePredictions:
    """What a case's shard will hold, and its timings."""

    index: list[dict[str, Any]] = field(default_factory=list)
    masks: PackedMasks = field(default_factory=PackedMasks)
    seconds: list[dict[str, float]] = field(default_factory=list)
    others: list[dict[str, Any]] = field(default_factory=list)  # candidates that were not selected
    other_masks: PackedMasks = field(default_factory=PackedMasks)

    def add(self, about: Mapping[str, Any], mask: Mask | None, **facts: Any) -> None:
        """Keep one mask (None: a failure), what it is of, and what is known of it."""
        seconds = {name: facts.pop(name, 0.0) for name in ("seconds_encode", "seconds_decode")}
        self.index.append({**about, **facts})
        self.masks.append(mask)
        self.seconds.append(seconds)

    def join(self, part: "CasePredictions") -> None:
        """Add all of another one."""
        self.others += [facts | {"entry": facts["entry"] + len(self.index)} for facts in part.others]
        self.other_masks.extend(part.other_masks)
        self.index += part.index
        self.masks.extend(part.masks)
        self.seconds += part.seconds


@dataclass(slots=True)
class Request:
    """One prompt of one target on its way through the rounds.

    Attributes:
        item: the case.
        row: of `prompts.parquet`.
        sample: the slice.
        given: the first prompt.
        drawn: gets what is predicted for it.
        corrections: clicks of later rounds.
        feedback: of the last round, in which the mask was corrected.
        failed: it is not asked again.
    """

    item: Item
    row: Mapping[str, Any]
    sample: Sample
    given: SimulatedPrompt
    drawn: CasePredictions
    corrections: list[Click] = field(default_factory=list)
    feedback: "torch.Tensor | None" = None
    failed: bool = False

    @property
    def prompt(self) -> Prompt:
        """What the model is asked with now."""
        return to_prompt(self.given, self.corrections, self.feedback)

    def rounds(self, config: RunConfig) -> int:
        """How many rounds there are for it; none are left once it failed."""
        if self.failed:
            return 0
        return config.clicks if KINDS[self.row["prompt"]].rounds else 1

    def keep(self, number: int, mask: Mask | None, **facts: Any) -> None:
        """Keep the mask of a round (None: a failure) and what is known of it."""
        about = {name: self.row[name] for name in ("slice", "target", "prompt")}
        self.drawn.add(about | {"round": number}, mask, **facts)

    def fail(self, first: int, reason: str, config: RunConfig) -> None:
        """Keep no masks, with the reason, from a round on; the request is not asked again."""
        for number in range(first, self.rounds(config) + 1):
            self.keep(number, None, status="failed", reason=reason, score=None)
        self.failed = True


def _not_finite(prediction: Prediction) -> str:
    """What is wrong with logits that are no numbers: a threshold would make an empty mask of them without a word."""
    values = (prediction.logits, prediction.candidate_logits)
    wrong = sum(int((~part.isfinite()).sum()) for part in values)
    return f"{wrong} of {sum(part.numel() for part in values)} logits are NaN or infinite"


def decode_rounds(
    network: Segmenter, requests: Sequence[tuple[Any, Request]], config: RunConfig, seconds_encode: float, spent: Spent
) -> None:
    """Decode the first prompts of all targets together, then the corrections, round by round.

    Args:
        network: the model.
        requests: encoded images, and what is asked of them; slices, objects and cases may be mixed.
        config: of the run.
        seconds_encode: of one image.
        spent: gets the seconds of decoding and clicking.
    """
    active, number = list(requests), 1
    multimask = protocols.load(config.protocol).multimask
    while active:
        pairs = [(value, request.prompt) for value, request in active]
        predictions, seconds = timed(network, partial(network.decode, pairs, multimask=multimask))
        spent.add("decode", seconds)
        finite = all_finite([(prediction.logits, prediction.candidate_logits) for prediction in predictions])
        others = [_candidates(network, value, drawn) for (value, _), drawn in zip(active, predictions, strict=True)]
        masks = to_host([prediction.mask for prediction in predictions])
        rows = zip(active, predictions, masks, others, finite, strict=True)
        for (_, request), prediction, mask, candidates, usable in rows:
            if not usable:
                request.fail(number, _not_finite(prediction), config)
                continue
            _keep(request, number, prediction, mask, seconds_encode, seconds / len(active))
            _keep_others(request, prediction, candidates())
            if number < request.rounds(config):
                with spent.on("click"):
                    correct(request, number, mask, prediction.feedback, config)
        number += 1
        active = [(value, request) for value, request in active if number <= request.rounds(config)]


def _keep(
    request: Request,
    number: int,
    prediction: Prediction,
    mask: Mask,
    seconds_encode: float,
    seconds_decode: float,
) -> None:
    request.keep(
        number,
        on_native_grid(mask, request.sample),
        status="ok",
        reason=None,
        score=_finite(prediction.score),
        seconds_encode=seconds_encode,
        seconds_decode=seconds_decode,
    )


def _candidates(network: Segmenter, encoded: Any, prediction: Prediction) -> Callable[[], list[Mask]]:
    """The masks of a prompt's candidates, if it has several; a GPU draws all of a round before any is waited for."""
    if len(prediction.candidate_scores) < 2:
        return list

    def drawn() -> list["torch.Tensor"]:
        return list(network.masks(encoded, prediction.candidate_logits))

    return (lambda: to_host(drawn())) if prediction.mask.device.type == "cpu" else begin_to_host(drawn())


def _keep_others(request: Request, prediction: Prediction, masks: Sequence[Mask]) -> None:
    """Keep the candidates that were not selected, for the last entry: regret and the oracle are scored from them."""
    if not masks:
        return
    drawn = request.drawn
    scores = prediction.candidate_scores.tolist()
    for number, (mask, score) in enumerate(zip(masks, scores, strict=True)):
        if number != prediction.selected:
            drawn.others.append({"entry": len(drawn.index) - 1, "candidate": number, "score": _finite(score)})
            drawn.other_masks.append(on_native_grid(mask, request.sample))


def on_native_grid(mask: Mask, sample: Sample) -> Mask:
    """A mask from a protocol's working resolution on the grid of scoring."""
    native = next(iter(sample.native.values())).shape
    return mask if mask.shape == native else stretch(mask, native)


def _finite(score: float) -> float | None:
    return float(score) if np.isfinite(score) else None


def correct(request: Request, number: int, mask: Mask, feedback: "torch.Tensor | None", config: RunConfig) -> None:
    """Add the next click; where nothing is wrong the last prompt is repeated, so that every round has a mask."""
    item, row, target = request.item, request.row, request.sample.targets[request.row["target"]]
    rng = generator_for(
        config.seed, item.dataset, item.case, request.sample.slice, row["target"], row["prompt"], number + 1
    )
    clicked = [*request.given.clicks, *request.corrections]
    click = next_click(target, mask, protocols.load(config.protocol), rng, clicked)
    if click is None:
        return
    request.corrections.append(click)
    request.feedback = feedback


def timed(network: Segmenter | VolumeSegmenter, call: Callable[[], Any]) -> tuple[Any, float]:
    """The result of a call on the network and its wall-clock seconds, the device's work included."""
    device = next((parameter.device for parameter in network.network.parameters()), None)
    start = time.perf_counter()
    result = call()
    if device is not None and device.type == "cuda":
        import torch  # noqa: PLC0415 - a run that is finished already loads no torch

        torch.cuda.synchronize(device)
    return result, time.perf_counter() - start
