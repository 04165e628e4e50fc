"""Batches: their order, their shares among processes, the embeddings they take."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from segmote.training.batches import Batch, Epoch, Sources, epoch_batches, own_part, version_of
from segmote.training.data import (
    read_image,
)
from segmote.training.embeddings import encode_missing, open_store, varied
from segmote.training.prompts import corrected, first_prompts
from tests.helpers.training_world import SIDE, item, network, zeros


def test_batches_have_all_items_and_never_mix() -> None:
    items = [item("ISIC", f"p{n}") for n in range(7)] + [item("b", f"q{n}") for n in range(13)]
    batches = epoch_batches(items, ["isic"], 4, seed=0, epoch=0)
    assert {index for batch in batches for index in batch} == set(range(20))
    assert all(len(batch) == 4 and len({index < 7 for index in batch}) == 1 for batch in batches)
    assert batches == epoch_batches(items, ["isic"], 4, seed=0, epoch=0)
    assert batches != epoch_batches(items, ["isic"], 4, seed=0, epoch=1)
    assert batches != epoch_batches(items, ["isic"], 4, seed=1, epoch=0)


def test_processes_share_a_batch_without_rest() -> None:
    batch = tuple(range(12))
    assert [index for process in range(3) for index in own_part(batch, process, 3)] == list(batch)


def test_halves_of_a_batch_are_drawn_as_the_whole(sources: Sources) -> None:
    whole = Epoch(sources, 1)[0]
    halves = [Epoch(replace(sources, process=process, processes=2), 1)[0] for process in (0, 1)]
    for part in ("embeddings", "targets", "regions", "pooled"):
        torch.testing.assert_close(torch.cat([getattr(half, part) for half in halves]), getattr(whole, part))
    prompts = [first_prompts(batch, sources.recipe)._asdict() for batch in (*halves, whole)]
    assert [name for name, value in prompts[0].items() if value is not None] == [
        name for name, value in prompts[2].items() if value is not None
    ]
    boxed = [corrected(batch, zeros(batch), 0, False).points for batch in (*halves, whole)]
    torch.testing.assert_close(torch.cat([points[0] for points in boxed[:2]]), boxed[2][0])


def test_an_epoch_takes_variants_as_often_as_one_is_augmented(sources: Sources) -> None:
    several = replace(sources, recipe=replace(sources.recipe, variants=4))
    taken = [version_of(several, epoch, index) for epoch in range(100) for index in range(14)]
    plain = {path for path in sources.files.values()}
    assert np.mean([path in plain for path in taken]) == pytest.approx(0.8**2, abs=0.04)
    assert {path.stem.partition("-")[2] for path in taken} == {"", "1", "2", "3", "4"}
    assert {version_of(sources, epoch, 0) for epoch in range(50)} == {sources.files[sources.items[0].image]}


def test_a_batch_has_the_embeddings_of_the_variants(sources: Sources, world: Path, tmp_path: Path) -> None:
    store = open_store(network(), tmp_path, half=False)
    files = {found.image: store.path(found.image) for found in sources.items}
    several = replace(sources, store=store, files=files, recipe=replace(sources.recipe, variants=2))
    encode_missing(network(), store, files, iter, variants=2)
    assert len(list(store.folder.iterdir())) == 3 * len(files)
    batch = next(found for epoch in range(9) for found in Epoch(several, epoch) if _has_variant(several, found))
    for index, embedding in zip(batch.indices, batch.embeddings, strict=True):
        path = version_of(several, batch.epoch, index)
        image = sources.items[index].image
        number = int(path.stem.partition("-")[2] or 0)
        with torch.no_grad():
            wanted, _ = network().encode(varied(read_image(image, SIDE), path, number)[None])
        torch.testing.assert_close(embedding, wanted[0])


def _has_variant(sources: Sources, batch: Batch) -> bool:
    return any("-" in version_of(sources, batch.epoch, index).stem for index in batch.indices)
