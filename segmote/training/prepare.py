"""Preparation before the first epoch: training images, held-out patients, embeddings, encoded class names."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import torch
from torch import Tensor
from tqdm import tqdm

from segmote.imis.mask_decoder import MASKS
from segmote.network.model import Segmote
from segmote.recipe import Recipe
from segmote.training import data
from segmote.training.data import Excluded, TrainingItem
from segmote.training.embeddings import EmbeddingStore, encode_missing, open_store
from segmote.training.settings import TrainConfig


@dataclass(frozen=True, slots=True, eq=False)
class TrainingData:
    """The data of a training.

    Attributes:
        learning, held_out: items to learn from and items of held-out patients.
        excluded: items that cannot be used.
        store: the embeddings.
        files: picture to its file in there.
        pooled: class name to its sentence's vector (text width,); empty if the network takes no text.
        notes: for the user.
    """

    learning: list[TrainingItem]
    held_out: list[TrainingItem]
    excluded: list[Excluded]
    store: EmbeddingStore
    files: dict[Path, Path]
    pooled: dict[str, Tensor]
    notes: list[str]


def check_network(network: Segmote, recipe: Recipe, devices: int) -> None:
    """Refuse a network and a recipe that cannot be trained.

    Raises:
        ValueError: a router without gradient, a recipe with text prompts for a network that takes no text, or a batch
            that cannot be divided among the devices.
    """
    if recipe.batch % devices:
        raise ValueError(f"devices must divide the batch of {recipe.batch} images, got {devices}")
    if network.config.gate_mode == "topk_softmax" and network.config.top_k == 1:
        raise ValueError(
            'gate_mode "topk_softmax" with top_k 1 makes every gate 1 and gives the router no gradient, so that '
            'it would never learn; train with "straight_through" or "softmax_all"'
        )
    if recipe.pseudo_masks and network.config.num_experts < MASKS:
        raise ValueError(
            f"num_experts is {network.config.num_experts}, but pseudo masks are drawn without MoTE, by an expert token "
            "of 1 to 3; use at least 4 experts, or a recipe without pseudo masks"
        )
    if any(kind == "text" and share > 0 for kind, share in recipe.first_prompts) and not _reads(network):
        raise ValueError(
            f"the recipe uses text prompts, but the weights have no text tower or there is no vocabulary at "
            f"{network.vocabulary}; put it there, or choose a recipe without text prompts"
        )


def prepare(network: Segmote, recipe: Recipe, config: TrainConfig, process: int, processes: int) -> TrainingData:
    """Check the data once and compute this process's part of the missing embeddings.

    Raises:
        ValueError: nothing to learn from.
    """
    side = network.config.image_size
    found = data.find_items(config.data, config.codes, config.limit)
    bar = partial(tqdm, unit="image", disable=process > 0)
    usable, excluded = data.check(found, side, recipe.pseudo_masks, partial(bar, desc="reading"))
    learning, held_out = data.split_patients(usable, config.seed)
    if not learning:
        first = f"{excluded[0].image}: {excluded[0].reason}" if excluded else ""
        reason = f"; {len(excluded)} excluded, first {first}" if excluded else ""
        raise ValueError(f"{config.data}: no picture to learn from{reason}")
    store = open_store(network, config.embeddings or config.out / "embeddings", config.half_embeddings)
    files = {item.image: store.path(item.image) for item in usable}
    mine = dict(list(files.items())[process::processes])
    encode_missing(network, store, mine, partial(bar, desc="embeddings"), recipe.variants)
    notes = _notes(recipe, learning, held_out)
    if not _reads(network) and any(item.code.lower() in recipe.ppt_sets for item in learning):
        notes.append("the weights take no text, so PPT learns from mask priors alone")
    return TrainingData(learning, held_out, excluded, store, files, _pooled(network, usable), notes)


def _notes(recipe: Recipe, learning: Sequence[TrainingItem], held_out: Sequence[TrainingItem]) -> list[str]:
    notes = [] if held_out else ["no patient is held out, so no Dice is measured"]
    bare = sum(item.pseudo is None for item in learning)
    if recipe.pseudo_masks and bare:
        notes.append(
            f"{bare} of {len(learning)} images have no imask; a batch with one of them learns from masks alone"
        )
    unseen = sorted({item.code for item in learning} - {item.code for item in held_out})
    if unseen:
        notes.append(f"no patient is held out of {', '.join(unseen)}, which has only one")
    return notes


def _reads(network: Segmote) -> bool:
    return network.text_model is not None and network.vocabulary.is_file()


@torch.no_grad()
def _pooled(network: Segmote, items: Sequence[TrainingItem]) -> dict[str, Tensor]:
    if not _reads(network):
        return {}
    from segmote.imis.vocabulary import Vocabulary, sentence  # noqa: PLC0415 - `tokenizers` is for those who use text

    assert network.text_model is not None
    names, sizes = sorted({name for item in items for name in item.classes}), network.config.text
    ids = Vocabulary(network.vocabulary, sizes.vocabulary).encode([sentence(name) for name in names], sizes.positions)
    vectors = network.text_model(ids.to(network.text_out_dim.weight.device)).cpu()
    return dict(zip(names, vectors, strict=True))
