"""The common interface of all segmentation models.

A model is used in two steps, without hidden state: `encode` turns images into opaque values that may be kept, and
`decode` turns pairs of encoded image and prompt into predictions. All coordinates are floats in pixels of the original
image, x to the right, y down; adapters scale them into their network's frame and leave them unchanged otherwise.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import torch

Image: TypeAlias = NDArray[np.uint8]
PromptKind = Literal["box", "points", "mask", "text", "auto"]


class UnsupportedPrompt(ValueError):  # noqa: N818
    """The model cannot take this kind of prompt."""


class MissingWeights(FileNotFoundError):  # noqa: N818
    """A weights file is not where it should be; the text says how to get it."""


@dataclass(frozen=True, slots=True, eq=False)
class Points:
    """Clicks on one object.

    Attributes:
        xy: (N, 2) float32, x before y, pixels of the original image.
        labels: (N,) int8, 1 foreground, 0 background.
    """

    xy: NDArray[np.float32]
    labels: NDArray[np.int8]

    def __post_init__(self) -> None:
        xy = np.asarray(self.xy, np.float32)
        labels = np.asarray(self.labels)
        if xy.ndim != 2 or xy.shape[1] != 2 or not len(xy):
            raise ValueError(f"points must be (N, 2) with N > 0, got shape {xy.shape}")
        if labels.shape != (len(xy),):
            raise ValueError(f"{len(xy)} points need {len(xy)} labels, got shape {labels.shape}")
        if not np.isin(labels, (0, 1)).all():
            raise ValueError(f"point labels must be 0 or 1, got {labels.tolist()}")
        object.__setattr__(self, "xy", xy)
        object.__setattr__(self, "labels", labels.astype(np.int8))


@dataclass(frozen=True, slots=True, eq=False)
class Prompt:
    """What a user gives for one object.

    Attributes:
        box: (4,) float32 x0, y0, x1, y1; whether x1, y1 are the last foreground
            pixel or one past it is the choice of the caller that draws the box.
        points: clicks, or None.
        text: name of the object, or None.
        previous: `Prediction.feedback` of an earlier round, handed back unchanged.
    """

    box: NDArray[np.float32] | None = None
    points: Points | None = None
    text: str | None = None
    previous: "torch.Tensor | None" = None

    def __post_init__(self) -> None:
        if self.box is None:
            return
        box = np.asarray(self.box, np.float32)
        if box.shape != (4,):
            raise ValueError(f"box must be (4,) x0, y0, x1, y1, got shape {box.shape}")
        object.__setattr__(self, "box", box)

    @property
    def kinds(self) -> frozenset[PromptKind]:
        """Which prompts are given; {"auto"} if none is."""
        given: dict[PromptKind, object] = {
            "box": self.box,
            "points": self.points,
            "mask": self.previous,
            "text": self.text,
        }
        return frozenset(kind for kind, value in given.items() if value is not None) or frozenset({"auto"})


@dataclass(frozen=True, slots=True, eq=False)
class Prediction:
    """What a model drew for one prompt.

    Attributes:
        mask: (H, W) bool tensor on the original pixel grid.
        score: the model's own quality estimate, NaN if it has none.
        logits: (h, w) raw low-resolution logits of the selected candidate.
        feedback: (1, h, w) what the network's mask input takes in the next round, None if it takes none.
        candidate_logits: (C, h, w) all candidates of this prompt.
        candidate_scores: (C,) their predicted scores.
        selected: index of the candidate that `mask` shows.
    """

    mask: "torch.Tensor"
    score: float
    logits: "torch.Tensor"
    feedback: "torch.Tensor | None"
    candidate_logits: "torch.Tensor"
    candidate_scores: "torch.Tensor"
    selected: int


@dataclass(frozen=True, slots=True)
class Card:
    """What a model is, what it accepts and what it was trained on.

    Attributes:
        name: "family/variant".
        title: the name that tables print.
        accepts: prompt kinds the network can take.
        trained: combinations of prompt kinds it was trained on.
        parameters: number of learned parameters, 0 for a baseline.
        weights: name of its entry in the weights catalogue, None for a baseline; a model of another package has the
            path of its file.
        licence: of the weights.
        source: repository and commit, or where the rule comes from.
        citation: paper.
        trained_on: data sets the weights have seen.
        propagates: it is a `VolumeSegmenter`, too.
    """

    name: str
    title: str
    accepts: frozenset[PromptKind]
    trained: frozenset[frozenset[PromptKind]]
    parameters: int
    weights: str | None
    licence: str
    source: str
    citation: str
    trained_on: str
    propagates: bool = False

    def was_trained_on(self, kinds: frozenset[PromptKind]) -> bool:
        """True if this combination of prompt kinds occurred in training."""
        return kinds in self.trained


class Segmenter(Protocol):
    """A model behind the common interface; the pitfalls of a family are described at the top of its module."""

    card: Card
    network: "torch.nn.Module"

    def encode(self, images: Sequence[Image]) -> list[Any]:
        """Image embeddings, one per image.

        Args:
            images: each (H, W, 3) uint8 RGB or (H, W) uint8.

        Raises:
            ValueError: wrong dtype or shape, or an empty image.
        """
        ...

    def decode(self, requests: Sequence[tuple[Any, Prompt]], *, multimask: bool | None = None) -> list[Prediction]:
        """One prediction per request, in order; requests for different images may be mixed.

        Args:
            requests: (encoded image, prompt) pairs.
            multimask: whether the network proposes several candidates, of which the one with the best
                predicted score is selected. None: the model's own rule.

        Raises:
            UnsupportedPrompt: the model cannot take such a prompt.
            ValueError: a box outside its image or inverted, points outside the image.
        """
        ...

    def masks(self, encoded: Any, logits: "torch.Tensor") -> "torch.Tensor":
        """Raw logits of an image's candidates (C, h, w) as (C, H, W) bool masks on the original pixel grid."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class SlicePrompt:
    """What a user gives for one object of a volume, on one of its slices.

    Attributes:
        slice: index of the prompted slice.
        prompt: box, clicks and previous mask on that slice; empty if `mask` is given.
        mask: (H, W) bool, the object in that slice, instead of a prompt.
    """

    slice: int
    prompt: Prompt
    mask: NDArray[np.bool_] | None = None

    def __post_init__(self) -> None:
        if (self.mask is None) == (self.prompt.kinds == {"auto"}):
            raise ValueError("a slice is prompted by a mask, or else by a box or points: give one of the two")


@dataclass(frozen=True, slots=True, eq=False)
class VolumePrediction:
    """What a model drew in a volume for one prompt on one slice.

    Attributes:
        masks: (D, H, W) bool tensor on the original pixel grid.
        feedback: (1, h, w) of the prompted slice, see `Prediction`; None after a mask.
    """

    masks: "torch.Tensor"
    feedback: "torch.Tensor | None"


class VolumeSegmenter(Protocol):
    """A model that takes a prompt on one slice through a volume, whose slices are encoded once for all objects."""

    card: Card
    network: "torch.nn.Module"

    def encode(self, images: Sequence[Image]) -> list[Any]:
        """Image embeddings, one per slice, see `Segmenter.encode`."""
        ...

    def propagate(self, volume: Sequence[Any], prompts: Sequence[SlicePrompt]) -> list[VolumePrediction]:
        """Masks on all slices, one prediction per prompt, in order. Objects do not influence each other.

        Args:
            volume: the D encoded slices, all of one size, in LPS order (axial: upwards).
            prompts: one per object.

        Raises:
            UnsupportedPrompt: the model cannot take such a prompt, or its weights have no memory.
            ValueError: slices of several sizes or none, a prompt outside of them, masks that are no numbers.
        """


def check_image(image: Image) -> Image:
    """The image as (H, W, 3) RGB uint8; grey images are repeated to three equal channels.

    Raises:
        ValueError: not uint8, not (H, W) or (H, W, 3), or without pixels.
    """
    image = np.asarray(image)
    if image.dtype != np.uint8:
        raise ValueError(f"image must be uint8, got {image.dtype}; map its intensities to 0..255 first")
    if image.ndim == 2:
        image = np.repeat(image[..., None], 3, axis=2)
    if image.ndim != 3 or image.shape[2] != 3:
        raise ValueError(f"image must be (H, W) or (H, W, 3), got shape {image.shape}")
    if image.size == 0:
        raise ValueError(f"image has no pixels, got shape {image.shape}")
    return np.ascontiguousarray(image)


def check_prompt(card: Card, prompt: Prompt, height: int, width: int) -> None:
    """Refuse a prompt that the model cannot take or that does not lie on the image.

    Raises:
        UnsupportedPrompt: a kind of prompt that is not in `card.accepts`.
        ValueError: a box that is not finite, inverted or outside, a point outside the image, a previous mask with NaN
            or infinity, or a text that is no Unicode.
    """
    check_prompts(card, [(prompt, (height, width))])


def check_prompts(card: Card, asked: Sequence[tuple[Prompt, tuple[int, int]]]) -> None:
    """`check_prompt` for prompts on images of size (height, width); a GPU is waited for once, not for every prompt.

    Raises:
        UnsupportedPrompt, ValueError: see `check_prompt`.
    """
    for prompt, (height, width) in asked:
        _check_but_mask(card, prompt, height, width)
    _check_masks([prompt.previous for prompt, _ in asked if prompt.previous is not None])


def _check_but_mask(card: Card, prompt: Prompt, height: int, width: int) -> None:
    refused = prompt.kinds - card.accepts
    if refused:
        raise UnsupportedPrompt(
            f"{card.name} cannot take {', '.join(sorted(refused))} prompts; it takes {', '.join(sorted(card.accepts))}"
        )
    if prompt.text is not None:
        try:
            prompt.text.encode()
        except UnicodeEncodeError as error:
            raise ValueError(f"text {prompt.text!a} is no Unicode: {error.reason}") from None
    if prompt.box is not None:
        x0, y0, x1, y1 = (float(value) for value in prompt.box)
        text = f"box {prompt.box.tolist()} (x0, y0, x1, y1)"
        if not np.isfinite(prompt.box).all():
            raise ValueError(f"{text} is not finite")
        if x1 < x0 or y1 < y0:
            raise ValueError(f"{text} is inverted; give the top-left corner first")
        if x0 < 0 or y0 < 0 or x1 > width or y1 > height:
            raise ValueError(f"{text} lies outside the image of width {width} and height {height}")
    if prompt.points is not None:
        xy = prompt.points.xy
        inside = np.isfinite(xy).all() and (xy >= 0).all() and (xy <= (width, height)).all()
        if not inside:
            raise ValueError(f"points {xy.tolist()} (x, y) lie outside the image of width {width} and height {height}")


def _check_masks(masks: Sequence["torch.Tensor"]) -> None:
    import torch  # noqa: PLC0415 - cards are read without it

    values = [torch.as_tensor(mask) for mask in masks]
    for device in {each.device for each in values}:
        here = [each for each in values if each.device == device]
        counts = torch.stack([(~each.isfinite()).sum() for each in here]).tolist()
        for each, wrong in zip(here, counts, strict=True):
            if wrong:
                raise ValueError(f"previous mask has {wrong} of {each.numel()} values that are not finite")
