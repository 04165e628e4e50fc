"""A small data set of the IMIS layout, with its embeddings on disk."""

from pathlib import Path

import pytest
import torch

from segmote.training.batches import Sources
from segmote.training.data import (
    find_items,
)
from segmote.training.embeddings import encode_missing, open_store
from tests.helpers.training_world import network, recipe, write_world


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_world(tmp_path_factory.mktemp("world"))


@pytest.fixture(scope="module")
def sources(world: Path, tmp_path_factory: pytest.TempPathFactory) -> Sources:
    items = find_items(world)
    store = open_store(network(), tmp_path_factory.mktemp("embeddings"), half=False)
    files = {item.image: store.path(item.image) for item in items}
    encode_missing(network(), store, files, iter)
    pooled = {name: torch.full((16,), float(number)) for number, name in enumerate(("liver", "lesion"))}
    return Sources(items, recipe("released"), store, files, pooled, seed=0)
