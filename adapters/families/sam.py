"""Segment Anything (SAM): the long side is scaled to the input, colours are standardised, padding is zero.

Box and clicks may come together; then the prompt encoder adds no padding token. The raw logits of one round are
the mask input of the next. Predicted scores are not confined to 0..1.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import ClassVar

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
from adapters.decoder_graphs import decoder_graphs
from adapters.families import small_networks
from adapters.families.sam_decoder import pick_single, predict_masks
from adapters.families.sam_points import use_embedding_without_waits
from adapters.geometry import Frame
from adapters.interface import Card, Image, Prediction, Prompt, check_image, check_prompts
from adapters.pinned import to_device
from adapters.precision import Precision, autocast
from segmote.sam import Sam, sam_model_registry


@dataclass(frozen=True, slots=True, eq=False)
class SamEmbedding:
    """An image behind SAM's encoder.

    Attributes:
        embedding: (C, h, w) float32.
        frame: where the image lies in the network's input.
    """

    embedding: torch.Tensor
    frame: Frame


class SamSegmenter:
    """SAM behind the `Segmenter` interface; MedSAM and Huang et al. are the same network on other inputs."""

    scored: ClassVar[bool] = True
    encoded: ClassVar[type] = SamEmbedding

    @staticmethod
    def build(variant: str) -> Sam:
        """The untrained network of a variant, in evaluation mode."""
        return small_networks.sam() if variant == "mini" else sam_model_registry[variant](checkpoint=None)

    def __init__(self, card: Card, network: Sam, device: torch.device, precision: Precision) -> None:
        self.card = card
        self.network = network
        self.device = device
        self.precision: Precision = precision
        self._encoder_passes, self._decoder_passes = encoder_passes(self.side, device), decoder_passes(device)
        self._graphs = decoder_graphs(card.name, device)
        if device.type == "cuda":
            use_embedding_without_waits(network.prompt_encoder)

    @property
    def side(self) -> int:
        """Height and width of the network's input."""
        return self.network.image_encoder.img_size

    def prepare(self, image: Image) -> tuple[torch.Tensor, Frame]:
        """The network's input (3, side, side) of an (H, W, 3) uint8 image, and where the image lies in it."""
        frame = geometry.fit(image.shape[:2], self.side)
        resized = to_device(torch.from_numpy(geometry.resize_bilinear(image, frame.content)), self.device)
        standard = (resized.permute(2, 0, 1) - self.network.pixel_mean) / self.network.pixel_std
        return geometry.pad(standard, self.side), frame

    @torch.no_grad()
    def encode(self, images: Sequence[Image]) -> list[SamEmbedding]:
        """Image embeddings, see `Segmenter.encode`."""
        checked = [check_image(image) for image in images]
        return self._encoder_passes.through(checked, self._encode)

    def _encode(self, images: Sequence[Image]) -> list[SamEmbedding]:
        inputs, frames = zip(*map(self.prepare, images), strict=True)
        with autocast(self.device, self.precision):
            embeddings = self.network.image_encoder(torch.stack(inputs))
        return list(map(SamEmbedding, embeddings.float(), frames))

    @torch.no_grad()
    def decode(self, requests: Sequence[Request[SamEmbedding]], *, multimask: bool | None = None) -> list[Prediction]:
        """One prediction per request, see `Segmenter.decode`."""
        check_prompts(self.card, [(prompt, encoded.frame.original) for encoded, prompt in requests])
        several = [self.proposes_several(p) if multimask is None else multimask for _, p in requests]
        with autocast(self.device, "fp32"):
            return decode_batches(requests, several, self._decoder_passes, self._decode)

    def proposes_several(self, prompt: Prompt) -> bool:
        """The rule for `multimask=None`."""
        return is_ambiguous(prompt)

    @torch.no_grad()
    def masks(self, encoded: SamEmbedding, logits: torch.Tensor) -> torch.Tensor:
        """Low-resolution logits (C, h, w) as (C, H, W) bool masks on the original grid."""
        full = geometry.to_original_by_input(logits, encoded.frame)
        return full > self.network.mask_threshold

    def _decode(self, requests: Sequence[Request[SamEmbedding]], several: bool) -> list[Prediction]:
        images = [encoded for encoded, _ in requests]
        given = (stack_images([image.embedding for image in images]), *stack_prompts(requests, self.device).tensors)
        logits, scores = self._graphs(partial(self._draw, several), several, len(requests), *given)
        # One transfer per pass: choosing among candidates must not wait for the device object by object.
        return [self._prediction(*row) for row in zip(images, logits, scores.cpu(), strict=True)]

    def _draw(
        self,
        several: bool,
        _: int,
        embeddings: torch.Tensor,
        xy: torch.Tensor | None,
        labels: torch.Tensor | None,
        boxes: torch.Tensor | None,
        masks: torch.Tensor | None,
    ) -> tuple[torch.Tensor, ...]:
        points = None if xy is None else (xy, labels)
        sparse, dense = self.network.prompt_encoder(points, boxes, masks)
        dense = dense if masks is not None else dense[:1]
        positions = self.network.prompt_encoder.get_dense_pe()
        return pick_single(*predict_masks(self.network.mask_decoder, embeddings, positions, sparse, dense), several)

    def _prediction(self, image: SamEmbedding, logits: torch.Tensor, scores: torch.Tensor) -> Prediction:
        best = int(scores.argmax())
        chosen = logits[best : best + 1]
        return Prediction(
            mask=self.masks(image, chosen)[0],
            score=float(scores[best]) if self.scored else float("nan"),
            logits=chosen[0],
            feedback=chosen if "mask" in self.card.accepts else None,
            candidate_logits=logits,
            candidate_scores=scores,
            selected=best,
        )
