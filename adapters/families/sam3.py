"""SAM 3's tracker on single images: one object per box, clicks or previous mask, by the class of transformers 5.

Pitfalls:

- The image is squashed to 1008 x 1008 as uint8 by torch's smoothed bilinear filter, which differs from Pillow's by up
  to two grey levels, and then brought from 0..255 to -1..1. Patches are 14 pixels wide, the embedding is 72 x 72, and
  masks, those handed back too, are 288 x 288 (docstrings of the authors' code still say 256).
- One foreground click gets three candidates, of which the best rated one is taken; any other prompt gets one mask, as
  the authors advise. A single mask of low stability is replaced by the best of the three inside the network.
- The authors' own predictor fills holes of up to 256 low-resolution pixels before it enlarges a mask; where its kernel
  is missing, it warns and fills none. The processor of transformers has the arguments and ignores them. Nothing is
  filled here, so masks can differ from the authors' predictor by small holes.
- Logits handed back are clamped to +-32 as in the authors' predictor; transformers leaves the clamp out. Masks are made
  from the unclamped ones.
- The published `model.safetensors` holds the detector, the memory for videos and two necks. The tracker is its tensors
  below `tracker_model.`, the detector's image backbone and `tracker_neck.`; the detector's own neck must not be taken,
  although it fits. The file `sam3.pt` of the same page has other names and is refused.
- Text finds all instances of a concept by another network (`Sam3Model`), which answers with many masks; it is not
  offered here, see docs/sam3.md.
- The weights are behind a form: no program of this project fetches them.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import torch

from adapters import geometry
from adapters.batching import (
    Request,
    decode_batches,
    decoder_passes,
    encoder_passes,
    is_ambiguous,
    stack_images,
    stack_prompts,
)
from adapters.families.sam2_embedding import Sam2Embedding, best_of, on_original
from adapters.geometry import Frame
from adapters.interface import Card, Image, Prediction, check_image, check_prompts
from adapters.pinned import to_device
from adapters.precision import Precision, autocast
from adapters.weights import checkpoint
from adapters.weights.checkpoint import State

# Prefixes of the published file -> the tracker's, one after the other; a file of the tracker alone may have none.
RENAMES = {
    "tracker_model.": "",
    "detector_model.vision_encoder.backbone.": "vision_encoder.backbone.",
    "tracker_neck.": "vision_encoder.neck.",
}
# Of the published file, but not of the tracker on single images.
DROPPED = (
    "detector_model.",
    "memory_",
    "mask_downsample.",
    "object_pointer_proj.",
    "temporal_positional_encoding_projection_layer.",
    "no_memory_positional_encoding",
    "no_object_pointer",
    "occlusion_spatial_embedding_parameter",
)


class Sam3Segmenter:
    """SAM 3's tracker behind the `Segmenter` interface."""

    encoded: ClassVar[type] = Sam2Embedding

    @staticmethod
    def build(variant: str) -> torch.nn.Module:
        """The untrained network in evaluation mode; there is one variant.

        Raises:
            ValueError: the installed transformers does not know SAM 3.
        """
        try:
            from transformers import Sam3TrackerConfig, Sam3TrackerModel  # noqa: PLC0415 - takes seconds to import
        except ImportError as error:
            raise ValueError(
                f"SAM 3 needs transformers 5 or later: pip install 'segmote-bench[sam3]' ({error})"
            ) from error
        network: Any = Sam3TrackerModel(Sam3TrackerConfig())
        return network.eval()

    @staticmethod
    def fill(network: torch.nn.Module, path: Path) -> None:
        """Load `model.safetensors` as published, or the tracker's tensors alone, strictly.

        Raises:
            ValueError: see `checkpoint.fill`.
        """
        checkpoint.fill(network, path, fitted)

    def __init__(self, card: Card, network: Any, device: torch.device, precision: Precision) -> None:
        self.card = card
        self.network = network
        self.device = device
        self.precision: Precision = precision
        self._encoder_passes, self._decoder_passes = encoder_passes(self.side, device), decoder_passes(device)

    @property
    def side(self) -> int:
        """Height and width of the network's input."""
        side: int = self.network.prompt_encoder.input_image_size
        return side

    def prepare(self, image: Image) -> tuple[torch.Tensor, Frame]:
        """The network's input (3, side, side) of an (H, W, 3) uint8 image, and where the image lies in it."""
        frame = geometry.squash(image.shape[:2], self.side)
        pixels = torch.tensor(image).permute(2, 0, 1)
        resized = to_device(geometry.resize_bilinear_torch(pixels, frame.content), self.device)
        return (resized.float() - 127.5) / 127.5, frame

    @torch.no_grad()
    def encode(self, images: Sequence[Image]) -> list[Sam2Embedding]:
        """Image embeddings, see `Segmenter.encode`."""
        checked = [check_image(image) for image in images]
        return self._encoder_passes.through(checked, self._encode)

    def _encode(self, images: Sequence[Image]) -> list[Sam2Embedding]:
        inputs, frames = zip(*map(self.prepare, images), strict=True)
        with autocast(self.device, self.precision):
            maps = self.network.get_image_embeddings(torch.stack(inputs))
        *details, embeddings = (features.float() for features in maps)
        return list(map(Sam2Embedding, embeddings, zip(*details, strict=True), frames))

    @torch.no_grad()
    def decode(self, requests: Sequence[Request[Sam2Embedding]], *, multimask: bool | None = None) -> list[Prediction]:
        """One prediction per request, see `Segmenter.decode`."""
        check_prompts(self.card, [(prompt, encoded.frame.original) for encoded, prompt in requests])
        several = [is_ambiguous(prompt) if multimask is None else multimask for _, prompt in requests]
        with autocast(self.device, "fp32"):
            return decode_batches(requests, several, self._decoder_passes, self._decode)

    @torch.no_grad()
    def masks(self, encoded: Sam2Embedding, logits: torch.Tensor) -> torch.Tensor:
        """Low-resolution logits (C, h, w) as (C, H, W) bool masks on the original grid."""
        return on_original(logits, encoded.frame)

    def _decode(self, requests: Sequence[Request[Sam2Embedding]], several: bool) -> list[Prediction]:
        images = [encoded for encoded, _ in requests]
        prompts = stack_prompts(requests, self.device)
        maps = zip(*((*image.details, image.embedding) for image in images), strict=True)
        # Each object is an image of its own to the network: with many objects on one image it mixes up their masks.
        xy, labels = (None, None) if prompts.points is None else (part[:, None] for part in prompts.points)
        found = self.network(
            image_embeddings=[stack_images(level).expand(len(images), -1, -1, -1) for level in maps],
            input_points=xy,
            input_labels=labels,
            input_boxes=None if prompts.boxes is None else prompts.boxes[:, None],
            input_masks=prompts.masks,
            multimask_output=several,
        )
        # One transfer per pass: choosing among candidates must not wait for the device object by object.
        logits, scores = found.pred_masks[:, 0], found.iou_scores[:, 0].cpu()
        return [best_of(*row) for row in zip(images, logits, scores, strict=True)]


def fitted(state: State) -> State:
    """The tracker's tensors of a file, under the tracker's names."""
    named = {_renamed(key): value for key, value in state.items()}
    return {key: value for key, value in named.items() if not key.startswith(DROPPED)}


def _renamed(key: str) -> str:
    for old, new in RENAMES.items():
        if key.startswith(old):
            key = new + key.removeprefix(old)
    return key
