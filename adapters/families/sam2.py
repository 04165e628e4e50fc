"""Segment Anything 2.1 on single images: the image is squashed to the square input.

A box becomes two points with labels 2 and 3 before the clicks, and a padding token always follows. A single mask of
low stability is replaced by the best of the three candidates inside the network
(`network.sam_mask_decoder.dynamic_multimask_via_stability`). Logits handed back are clamped to +-32, masks are made
from the unclamped ones.
"""

from collections.abc import Mapping, Sequence
from functools import cache, partial
from importlib.resources import files
from pathlib import Path
from typing import Any, ClassVar

import torch
from hydra.utils import instantiate
from omegaconf import OmegaConf
from sam2.modeling.sam2_base import SAM2Base
from torch.nn import functional as F

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
from adapters.families import sam2_volume, small_networks
from adapters.families.sam2_embedding import Sam2Embedding, best_of, on_original
from adapters.geometry import Frame
from adapters.interface import (
    Card,
    Image,
    Prediction,
    SlicePrompt,
    VolumePrediction,
    check_image,
    check_prompts,
)
from adapters.pinned import to_device
from adapters.precision import Precision, autocast
from adapters.published import as_published
from adapters.weights import checkpoint
from adapters.weights.checkpoint import State

MEAN = (0.485, 0.456, 0.406)
STD = (0.229, 0.224, 0.225)
CONFIGS = {"hiera_tiny": "t", "hiera_small": "s", "hiera_base_plus": "b+", "hiera_large": "l"}
# What the official `build_sam2(apply_postprocessing=True)` adds to a configuration.
STABILITY = {
    "dynamic_multimask_via_stability": True,
    "dynamic_multimask_stability_delta": 0.05,
    "dynamic_multimask_stability_thresh": 0.98,
}


class Sam2Segmenter:
    """SAM 2.1 behind the `Segmenter` interface."""

    encoded: ClassVar[type] = Sam2Embedding

    @staticmethod
    def build(variant: str) -> SAM2Base:
        """The untrained network of a variant, in evaluation mode."""
        if variant == "mini":
            return small_networks.with_memory(small_networks.sam2())
        return official_network(variant, {})

    @staticmethod
    def fill(network: SAM2Base, path: Path) -> None:
        """Load a weights file strictly; the mini's may be without memory, and the network then is, too.

        Raises:
            ValueError: see `checkpoint.fill`.
        """

        def fitted(state: State) -> State:
            if not any(map(small_networks.is_memory, state)):
                small_networks.without_memory(network)
            return state

        checkpoint.fill(network, path, fitted)

    def __init__(self, card: Card, network: SAM2Base, device: torch.device, precision: Precision) -> None:
        self.card = card
        self.network = network
        self.device = device
        self.precision: Precision = precision
        network.image_encoder.trunk.blocks[0].register_forward_pre_hook(_contiguous)
        network.sam_mask_decoder.transformer.register_forward_pre_hook(_side_by_side)
        self._encoder_passes, self._decoder_passes = encoder_passes(self.side, device), decoder_passes(device)
        self._graphs = decoder_graphs(card.name, device)

    @property
    def side(self) -> int:
        """Height and width of the network's input."""
        return self.network.image_size

    def prepare(self, image: Image) -> tuple[torch.Tensor, Frame]:
        """The network's input (3, side, side) of an (H, W, 3) uint8 image, and where the image lies in it."""
        frame = geometry.squash(image.shape[:2], self.side)
        unit = to_device(torch.tensor(image), self.device).permute(2, 0, 1).float() / 255
        return standardised(geometry.resize_unit(unit, frame.content)), frame

    @torch.no_grad()
    def encode(self, images: Sequence[Image]) -> list[Sam2Embedding]:
        """Image embeddings, see `Segmenter.encode`."""
        checked = [check_image(image) for image in images]
        return self._encoder_passes.through(checked, self._encode)

    def _encode(self, images: Sequence[Image]) -> list[Sam2Embedding]:
        inputs, frames = zip(*map(self.prepare, images), strict=True)
        *details, embeddings = self._features(torch.stack(inputs))
        return list(map(Sam2Embedding, embeddings, zip(*details, strict=True), frames))

    def _features(self, inputs: torch.Tensor) -> list[torch.Tensor]:
        network = self.network
        with autocast(self.device, self.precision):
            maps = _maps(network, inputs)[-network.num_feature_levels :]
        *details, embeddings = (features.float().contiguous(memory_format=torch.channels_last) for features in maps)
        if network.directly_add_no_mem_embed:
            embeddings = embeddings + network.no_mem_embed.reshape(1, -1, 1, 1)
        return [*details, embeddings]

    @torch.no_grad()
    def decode(self, requests: Sequence[Request[Sam2Embedding]], *, multimask: bool | None = None) -> list[Prediction]:
        """One prediction per request, see `Segmenter.decode`."""
        check_prompts(self.card, [(prompt, encoded.frame.original) for encoded, prompt in requests])
        several = [is_ambiguous(prompt) if multimask is None else multimask for _, prompt in requests]
        with autocast(self.device, "fp32"):
            return decode_batches(requests, several, self._decoder_passes, self._decode)

    def propagate(self, volume: Sequence[Sam2Embedding], prompts: Sequence[SlicePrompt]) -> list[VolumePrediction]:
        """Masks on all slices of a volume, see `VolumeSegmenter.propagate`."""
        return sam2_volume.propagate(self.card, self.network, volume, prompts)

    @torch.no_grad()
    def masks(self, encoded: Sam2Embedding, logits: torch.Tensor) -> torch.Tensor:
        """Low-resolution logits (C, h, w) as (C, H, W) bool masks on the original grid."""
        return on_original(logits, encoded.frame)

    def _decode(self, requests: Sequence[Request[Sam2Embedding]], several: bool) -> list[Prediction]:
        images = [encoded for encoded, _ in requests]
        maps = zip(*((image.embedding, *image.details) for image in images), strict=True)
        given = (*stack_prompts(requests, self.device).tensors, *map(stack_images, maps))
        logits, scores = self._graphs(partial(self._draw, several), several, len(requests), *given)
        # One transfer per pass: choosing among candidates must not wait for the device object by object.
        return [best_of(*row) for row in zip(images, logits, scores.cpu(), strict=True)]

    def _draw(
        self,
        several: bool,
        rows: int,
        xy: torch.Tensor | None,
        labels: torch.Tensor | None,
        boxes: torch.Tensor | None,
        masks: torch.Tensor | None,
        embeddings: torch.Tensor,
        *details: torch.Tensor,
    ) -> tuple[torch.Tensor, ...]:
        sparse, dense = self._embed(None if xy is None or labels is None else (xy, labels), boxes, masks)
        logits, scores, _, _ = self.network.sam_mask_decoder(
            image_embeddings=embeddings.expand(rows, -1, -1, -1),
            image_pe=self.network.sam_prompt_encoder.get_dense_pe(),
            sparse_prompt_embeddings=sparse,
            dense_prompt_embeddings=dense,
            multimask_output=several,
            repeat_image=False,
            high_res_features=list(details),
        )
        return logits, scores

    def _embed(
        self, points: tuple[torch.Tensor, torch.Tensor] | None, boxes: torch.Tensor | None, masks: torch.Tensor | None
    ) -> tuple[torch.Tensor, torch.Tensor]:
        if boxes is not None:
            corners = boxes.reshape(-1, 2, 2)
            labels = torch.arange(2, 4, dtype=torch.int32, device=self.device).expand(len(corners), 2)
            points = (corners, labels) if points is None else _joined((corners, labels), points)
        return self.network.sam_prompt_encoder(points, None, masks)


def standardised(unit: torch.Tensor) -> torch.Tensor:
    """A (3, H, W) RGB image in 0..1 with ImageNet's mean and deviation taken out."""
    mean, std = _colours(unit.device)
    return (unit - mean) / std


@cache  # made once, since making a tensor of numbers waits for a GPU
def _colours(device: torch.device) -> tuple[torch.Tensor, torch.Tensor]:
    mean, std = (torch.tensor(values, device=device)[:, None, None] for values in (MEAN, STD))
    return mean, std


def official_network(variant: str, changes: Mapping[str, object]) -> SAM2Base:
    """The untrained network of an official variant, in evaluation mode.

    Reads the package's configuration directly: the official builder looks it up through Hydra's global state,
    where a host program that uses Hydra itself hides it.

    Args:
        variant: of `CONFIGS`.
        changes: values by their dotted place below the configuration's `model`.
    """
    path = files("sam2") / "configs" / "sam2.1" / f"sam2.1_hiera_{CONFIGS[variant]}.yaml"
    config = OmegaConf.create(path.read_text()).model
    for place, value in {"sam_mask_decoder_extra_args": STABILITY, **changes}.items():
        OmegaConf.update(config, place, value, force_add=True)
    return instantiate(config, _recursive_=True).eval()


def _maps(network: SAM2Base, inputs: torch.Tensor) -> list[torch.Tensor]:
    """What `forward_image` gives, the finest map first, without the positions of pixels, which only videos need.

    The two finest maps are projected twice in a row, by the neck and for the decoder; here one matrix does both.
    """
    encoder, neck = network.image_encoder, network.image_encoder.neck
    plain = neck.fuse_type == "sum" and not {0, 1} & {*neck.fpn_top_down_levels}  # the finest are projected, no more
    if as_published() or not (plain and network.use_high_res_features_in_sam):
        maps: list[torch.Tensor] = network.forward_image(inputs)["backbone_fpn"]
        return maps
    found = encoder.trunk(inputs)
    laterals = list(reversed(neck.convs))
    maps = [laterals[-1](found[-1])]
    for level in range(len(found) - 2, 1, -1):
        lateral = laterals[level](found[level])
        if level in neck.fpn_top_down_levels:
            lateral = lateral + F.interpolate(maps[0].float(), scale_factor=2.0, mode=neck.fpn_interp_model)
        maps.insert(0, lateral)
    heads = (network.sam_mask_decoder.conv_s0, network.sam_mask_decoder.conv_s1)
    fine = [_projected(found[level], laterals[level].conv, heads[level]) for level in (0, 1)]
    return [*fine, *maps][: len(found) - encoder.scalp]


def _projected(features: torch.Tensor, first: Any, second: Any) -> torch.Tensor:
    """Features (B, C, h, w) after two convolutions of one pixel, which are one matrix together."""
    assert first.bias is not None and second.bias is not None
    weights = second.weight[:, :, 0, 0] @ first.weight[:, :, 0, 0]
    bias = second.weight[:, :, 0, 0] @ first.bias + second.bias
    projected: torch.Tensor = F.linear(features.permute(0, 2, 3, 1), weights, bias)
    return projected.permute(0, 3, 1, 2)


def _contiguous(_: torch.nn.Module, given: tuple[torch.Tensor]) -> tuple[torch.Tensor]:
    """The first block's input with a token's channels side by side, as all blocks read them and hand them on."""
    return given if as_published() else (given[0].contiguous(),)


def _side_by_side(_: torch.nn.Module, given: tuple[torch.Tensor, ...]) -> tuple[torch.Tensor, ...]:
    """The inputs of the decoder's transformer with a pixel's channels side by side, as it reads them.

    The decoder repeats the positions for each prompt; they are the same, so one row is enough.
    """
    if as_published():
        return given
    source, positions, tokens = given
    source, positions = (part.contiguous(memory_format=torch.channels_last) for part in (source, positions[:1]))
    return source, positions, tokens


def _joined(
    first: tuple[torch.Tensor, torch.Tensor], second: tuple[torch.Tensor, torch.Tensor]
) -> tuple[torch.Tensor, torch.Tensor]:
    return torch.cat([first[0], second[0]], dim=1), torch.cat([first[1], second[1]], dim=1)
