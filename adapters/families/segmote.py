"""SegMoTE: boxes, clicks, masks and class names as for IMIS-Net, or no prompt at all.

Pitfalls. The network predicts one mask per expert token and returns the one that its router chose. Several candidates
are returned only on request, and then their scores are the router's logits. The score comes from IMIS's IoU token,
which was not trained with the expert masks, so it must never choose among them. PPT is used where no other prompt is
given: without a prompt, and in later rounds of that mode, with the previous mask alone. The official test script,
however, never starts without a box, click or text. `segmote/paper` runs the published weights by the paper's formulas,
although they were not trained with them.
"""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

import torch

from adapters.batching import Request, stack_images
from adapters.families import imis
from adapters.geometry import Frame
from adapters.interface import Card, Image, Prediction, Prompt
from adapters.precision import autocast
from adapters.weights import checkpoint
from adapters.weights.catalogue import weights_dir
from adapters.weights.checkpoint import State
from segmote.imis.network import Imis
from segmote.network.config import PAPER, RELEASED, SegmoteConfig
from segmote.network.expert_decoder import ExpertMasks
from segmote.network.model import Segmote
from segmote.network.official_names import NOT_SAMS, current_name, implied_gate, is_unused, name_of_sams

MINI = replace(
    RELEASED,
    **{field.name: getattr(imis.MINI, field.name) for field in fields(imis.MINI)},
    expert_rank=8,
)
CONFIGS = {"released": RELEASED, "paper": PAPER, "mini": MINI}


@dataclass(frozen=True, slots=True, eq=False)
class SegmoteEmbedding:
    """An image behind SegMoTE's encoder.

    Attributes:
        embedding: (C, h, w) float32.
        details: (C / 8, 4h, 4w) float32, what the masks' features take from the image alone.
        frame: where the image lies in the network's input.
    """

    embedding: torch.Tensor
    details: torch.Tensor
    frame: Frame


class SegmoteSegmenter(imis.ImisSegmenter):
    """SegMoTE behind the `Segmenter` interface."""

    network: Segmote
    encoded: ClassVar[type] = SegmoteEmbedding

    @staticmethod
    def build(variant: str) -> Segmote:
        """The untrained network of a variant, in evaluation mode."""
        config = CONFIGS[variant]
        return Segmote(config, _vocabulary(config)).eval()

    @staticmethod
    def fill(network: Imis, path: Path) -> None:
        """Load a weights file of any age strictly; only the text tower and unused tensors may be missing.

        Warns if all routers are zero: then the order among equals decides, not the network.

        Raises:
            ValueError: see `checkpoint.fill`.
        """
        checkpoint.fill(network, path, partial(_fitted, network))
        network.vocabulary = path.parent / network.vocabulary.name
        if implied_gate(network.state_dict()) == "topk_softmax":
            warnings.warn(
                f"{path}: all routers are zero, as the first released version of the router, which cannot learn, "
                "leaves them. All experts score alike, so expert 0 and the mask of token 0 are always chosen; in the "
                "official code the choice among equals depends on the device",
                stacklevel=2,
            )

    def _encode(self, images: Sequence[Image]) -> list[Any]:
        inputs, frames = zip(*map(self.prepare, images), strict=True)
        with autocast(self.device, self.precision):
            embeddings, early = (part.float() for part in self.network.encode(torch.stack(inputs)))
        with autocast(self.device, "fp32"):
            return list(map(SegmoteEmbedding, embeddings, self.network.details(embeddings, early), frames))

    def proposes_several(self, prompt: Prompt) -> bool:
        """Never: the router chooses."""
        return False

    def draw(self, requests: Sequence[Request[Any]]) -> ExpertMasks:
        """What the network draws for requests of one kind."""
        return self._experts(len(requests), *self._given(requests))

    def _given(self, requests: Sequence[Request[Any]]) -> tuple[Any, ...]:
        embeddings, details = (
            stack_images([getattr(encoded, name) for encoded, _ in requests]) for name in ("embedding", "details")
        )
        return embeddings, details, *self._asked(requests)

    def _experts(self, rows: int, embeddings: torch.Tensor, details: torch.Tensor, *asked: Any) -> ExpertMasks:
        xy, labels, boxes, masks, pooled = asked
        points = None if xy is None else (xy, labels)
        ppt = points is None and boxes is None and pooled is None
        return self.network.decode(embeddings, points, boxes, masks, pooled, details=details, rows=rows, ppt=ppt)

    def _draw(self, several: bool, rows: int, embeddings: torch.Tensor, *others: Any) -> tuple[torch.Tensor, ...]:
        drawn = self._experts(rows, embeddings, *others)
        scores = drawn.score[:, None]
        if several:
            return drawn.logits, drawn.routings[-1].confidence, scores
        return drawn.mask, scores, scores

    def _decode(self, requests: Sequence[Request[Any]], several: bool) -> list[Prediction]:
        given = self._given(requests)
        logits, ranks, scores = self._graphs(partial(self._draw, several), several, len(requests), *given)
        images = [encoded for encoded, _ in requests]
        rows = zip(images, logits, ranks.cpu(), scores.cpu(), strict=True)
        return [replace(self._prediction(image, masks, rank), score=float(score)) for image, masks, rank, score in rows]


def from_base(config: SegmoteConfig, base: Path, seed: int = 0) -> Segmote:
    """A network to train: what it shares with its base is loaded from the base's file, its own parts are new.

    Args:
        config: any; its sizes must be the file's, `MINI`'s for a mini file.
        base: weights file of IMIS-Net or SegMoTE with its vocabulary beside it, or of SAM if `config.base` is "sam";
            then the network has no text tower.
        seed: of the new parts.

    Raises:
        ValueError: the file does not fit, see `checkpoint.fill`.
    """
    vocabulary = base.parent / _vocabulary(config).name
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        network = Segmote(config, vocabulary)
    with torch.device("meta"):
        shared = set(Imis(config, vocabulary).state_dict())
    if config.base == "sam":
        network.text_model = None
        shared = {key for key in shared if not key.startswith(NOT_SAMS)}
    new = {key: value for key, value in network.state_dict().items() if key not in shared}

    def fitted(state: State) -> State:
        if config.base == "sam":
            return new | {name_of_sams(key): value for key, value in state.items()}
        return new | _fitted(network, state)

    checkpoint.fill(network, base, fitted)
    return network.eval()


def trained(config: SegmoteConfig, weights: Path, card: Card, device: str = "cpu") -> SegmoteSegmenter:
    """The segmenter of a network of any configuration, such as one of an ablation, under the card of its size.

    Raises:
        ValueError: see `checkpoint.fill`.
    """
    network = Segmote(config, _vocabulary(config))
    SegmoteSegmenter.fill(network, weights)
    return SegmoteSegmenter(card, network.to(device).eval(), torch.device(device), "fp32")


def _vocabulary(config: SegmoteConfig) -> Path:
    """The file of merges; for the mini text tower the mini one."""
    return imis.MINI_VOCABULARY if config.text == imis.MINI.text else weights_dir() / imis.VOCABULARY.file


def _fitted(network: Imis, state: State) -> State:
    """A file's tensors under the network's names; unused ones may be missing."""
    named = imis.fitted(network, {current_name(key): value for key, value in state.items()})
    return {key: value for key, value in network.state_dict().items() if is_unused(key)} | named
