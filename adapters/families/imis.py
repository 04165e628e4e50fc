"""IMIS-Net: boxes, clicks, masks and class names, each decoded on its own.

Pitfalls. The image is squashed by Pillow's nearest neighbour, which differs from OpenCV's. The network always proposes
three candidates, and the one with the best predicted score is selected, whatever the prompt. The raw logits of one
round are the mask input of the next. Masks are resized to the input first and from there to the original size. The
network accepts a box together with a click, but was never trained on both. A class name becomes "A segmentation area of
a {name}."; the official table of display names for its 238 class keys is not available here, so a name is used as
given, in lower case and without underscores and hyphens. Only text prompts need the text tower, the
vocabulary and the package `tokenizers`.
"""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from adapters import geometry
from adapters.batching import Request, stack_images, stack_prompts
from adapters.families import small_networks
from adapters.families.sam import SamEmbedding, SamSegmenter
from adapters.families.sam_decoder import pick_single
from adapters.geometry import Frame
from adapters.interface import Card, Image, MissingWeights, Prediction, Prompt
from adapters.pinned import to_device
from adapters.precision import Precision
from adapters.weights import checkpoint
from adapters.weights.catalogue import CATALOGUE, MINI_FOLDER, weights_dir
from adapters.weights.checkpoint import State
from segmote.imis.image_encoder import EncoderConfig
from segmote.imis.network import Imis, ImisConfig, standardised
from segmote.imis.text import TextConfig

if TYPE_CHECKING:
    from segmote.imis.vocabulary import Vocabulary

VOCABULARY = CATALOGUE["imis/vocabulary"]
MINI_VOCABULARY = MINI_FOLDER / "imis_vocabulary.txt"
TOWER = "text_model."
NO_WEIGHTS = "position_ids"

VIT_B = ImisConfig()
# Encoder and decoder have the sizes of `small_networks.sam()`, from whose weights they start.
MINI = ImisConfig(
    image_size=small_networks.IMAGE_SIZE,
    dim=small_networks.DIM,
    heads=small_networks.HEADS,
    mlp=small_networks.HIDDEN,
    narrowing=small_networks.NARROWING,
    head=small_networks.HEAD,
    semantic=16,
    encoder=EncoderConfig(
        patch=small_networks.STRIDE,
        grid=small_networks.GRID,
        width=small_networks.WIDTH,
        depth=small_networks.DEPTH,
        heads=small_networks.HEADS,
        window=small_networks.WINDOW,
        global_blocks=small_networks.GLOBAL_BLOCKS,
        unused_neck=8,
    ),
    text=TextConfig(vocabulary=604, width=32, depth=2, heads=2, positions=32),
)


class ImisSegmenter(SamSegmenter):
    """IMIS-Net behind the `Segmenter` interface."""

    network: Imis

    @staticmethod
    def build(variant: str) -> Imis:
        """The untrained network of a variant, in evaluation mode."""
        config, vocabulary = (MINI, MINI_VOCABULARY) if variant == "mini" else (VIT_B, weights_dir() / VOCABULARY.file)
        return Imis(config, vocabulary).eval()

    @staticmethod
    def fill(network: Imis, path: Path) -> None:
        """Load a weights file strictly; only the text tower may be missing. The vocabulary lies beside the file.

        Raises:
            ValueError: see `checkpoint.fill`.
        """
        checkpoint.fill(network, path, partial(fitted, network))
        network.vocabulary = path.parent / network.vocabulary.name

    def __init__(self, card: Card, network: Imis, device: torch.device, precision: Precision) -> None:
        super().__init__(card, network, device, precision)
        self._vocabulary: Vocabulary | None = None

    @property
    def side(self) -> int:
        """Height and width of the network's input."""
        return self.network.config.image_size

    def prepare(self, image: Image) -> tuple[torch.Tensor, Frame]:
        """The network's input (3, side, side) of an (H, W, 3) uint8 image, and where the image lies in it."""
        frame = geometry.squash(image.shape[:2], self.side)
        resized = to_device(torch.from_numpy(geometry.resize_nearest_pillow(image, frame.content)), self.device)
        return standardised(resized.permute(2, 0, 1)), frame

    def proposes_several(self, prompt: Prompt) -> bool:
        """Always true."""
        return True

    def decode(self, requests: Sequence[Request[SamEmbedding]], *, multimask: bool | None = None) -> list[Prediction]:
        """One prediction per request, see `Segmenter.decode`; a text prompt is the name of a class.

        Raises:
            MissingWeights: text without text tower or vocabulary.
        """
        # A prompt with text has one more token, so it cannot share a pass with a prompt without text.
        done: dict[int, Prediction] = {}
        for told in (False, True):
            rows = [row for row, (_, prompt) in enumerate(requests) if (prompt.text is not None) == told]
            predictions = super().decode([requests[row] for row in rows], multimask=multimask)
            done.update(zip(rows, predictions, strict=True))
        return [done[row] for row in range(len(requests))]

    @torch.no_grad()
    def masks(self, encoded: SamEmbedding, logits: torch.Tensor) -> torch.Tensor:
        """Low-resolution logits (C, h, w) as (C, H, W) bool masks on the original grid."""
        return geometry.to_original_by_input(logits, encoded.frame).sigmoid() > 0.5

    @torch.no_grad()
    def pooled(self, names: Sequence[str]) -> torch.Tensor:
        """Class names as the text tower's vectors (B, width), before the projection to the decoder's width.

        Raises:
            MissingWeights: there is no text tower or no vocabulary.
            ValueError: an empty name.
        """
        if not all(name.strip() for name in names):
            raise ValueError(f"a text prompt must be the name of a class, got {list(names)}")
        if self.network.text_model is None:
            raise MissingWeights(
                f"{self.card.name}: its weights file has no text tower ({TOWER}*), which text prompts need"
            )
        return self.network.text_model(to_device(self._tokens(names), self.device))

    def _tokens(self, names: Sequence[str]) -> torch.Tensor:
        from segmote.imis.vocabulary import Vocabulary, sentence  # noqa: PLC0415

        sizes = self.network.config.text
        if self._vocabulary is None:
            self._vocabulary = Vocabulary(_present(self.network.vocabulary), sizes.vocabulary)
        return self._vocabulary.encode([sentence(name) for name in names], sizes.positions)

    def _decode(self, requests: Sequence[Request[SamEmbedding]], several: bool) -> list[Prediction]:
        images = [encoded for encoded, _ in requests]
        given = (stack_images([image.embedding for image in images]), *self._asked(requests))
        logits, scores = self._graphs(partial(self._draw, several), several, len(requests), *given)
        return [self._prediction(*row) for row in zip(images, logits, scores.cpu(), strict=True)]

    def _asked(self, requests: Sequence[Request[Any]]) -> tuple[torch.Tensor | None, ...]:
        """Coordinates, labels, boxes, masks and the text tower's vectors of requests of one kind."""
        names = [prompt.text for _, prompt in requests if prompt.text is not None]
        return *stack_prompts(requests, self.device).tensors, self.pooled(names) if names else None

    def _draw(self, several: bool, _: int, embeddings: torch.Tensor, *asked: Any) -> tuple[torch.Tensor, ...]:
        xy, labels, *others = asked
        drawn = self.network.decode(embeddings, None if xy is None else (xy, labels), *others)
        return pick_single(drawn.logits, drawn.scores, several)


def fitted(network: Imis, state: State) -> State:
    """A file's tensors under the network's names; without a text tower in the file the network loses its own."""
    named = {_official(key): value for key, value in state.items() if not key.endswith(NO_WEIGHTS)}
    if not any(key.startswith(TOWER) for key in named):
        network.text_model = None
    return named


def _official(key: str) -> str:
    """Transformers 5 drops one of the two levels of the tower's name."""
    return TOWER + key if key.startswith(TOWER) and not key.startswith(TOWER * 2) else key


def _present(vocabulary: Path) -> Path:
    if vocabulary.is_file():
        return vocabulary
    raise MissingWeights(
        f"text prompts need the tokenizer vocabulary {vocabulary}, which is missing (boxes and points need none). "
        f"The mini network's comes with the package; get {VOCABULARY.file} with `bench download {VOCABULARY.name}` "
        f"(address {VOCABULARY.url}, sha256 {VOCABULARY.sha256})"
    )
