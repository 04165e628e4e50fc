"""Embeddings on disk: variants, damage, precision."""

from pathlib import Path

import numpy as np
import pytest
import torch

from segmote.training.batches import Sources
from segmote.training.data import (
    find_items,
    read_image,
)
from segmote.training.embeddings import encode_missing, open_store, varied, version_path
from tests.helpers.training_world import SIDE, network


def test_variants_are_brighter_or_of_other_contrast_by_a_fifth() -> None:
    picture = torch.randn(3, 8, 8, generator=torch.Generator().manual_seed(0))
    assert varied(picture, Path("a.safetensors"), 0) is picture
    scales, shifts = [], []
    for number in range(1, 301):
        path = version_path(Path("a.safetensors"), number)
        made = varied(picture, path, number)
        torch.testing.assert_close(made, varied(picture, path, number), rtol=0, atol=0)
        scales.append(float((made[0, 0, 0] - made[0, 0, 1]) / (picture[0, 0, 0] - picture[0, 0, 1])))
        shifts.append(float((made - scales[-1] * picture).mean()))
    changed = np.abs(np.array(scales) - 1) > 1e-4, np.abs(shifts) > 1e-4
    assert (changed[0] | changed[1]).all()
    # Of what is changed, 16 in 36 only in contrast, 16 only in brightness, 4 in both.
    assert (changed[0] & changed[1]).mean() == pytest.approx(1 / 9, abs=0.05)
    assert changed[0].mean() == pytest.approx(5 / 9, abs=0.08) and changed[1].mean() == pytest.approx(5 / 9, abs=0.08)
    assert 0.15 < max(scales) - 1 <= 0.2 and 0.15 < 1 - min(scales) <= 0.2 + 1e-6
    assert 0.15 < max(shifts) <= 0.2 + 1e-6 and 0.15 < -min(shifts) <= 0.2 + 1e-6


def test_embeddings_are_the_encoders(sources: Sources) -> None:
    path = sources.items[0].image
    with torch.no_grad():
        expected = network().encode(read_image(path, SIDE)[None])
    for found, wanted in zip(sources.store.read(sources.files[path]), expected, strict=True):
        torch.testing.assert_close(found, wanted[0])


@pytest.mark.parametrize("damage", ["cut", "altered", "missing"])
def test_damaged_embeddings_are_computed_again(world: Path, tmp_path: Path, damage: str) -> None:
    store = open_store(network(), tmp_path, half=False)
    images = [found.image for found in find_items(world)[:2]]
    files = {image: store.path(image) for image in images}
    encode_missing(network(), store, files, iter)
    first = files[images[0]]
    sound = first.read_bytes()
    spoil(first, sound, damage)
    with pytest.raises(ValueError, match="run the same command again to compute it"):
        store.read(first)
    computed: list[Path] = []
    encode_missing(network(), store, files, lambda found: (computed.append(one.image) or one for one in found))
    assert computed == images[:1] and first.read_bytes() == sound
    assert not list(store.folder.glob("*.partial"))


def spoil(path: Path, sound: bytes, damage: str) -> None:
    if damage == "missing":
        path.unlink()
    elif damage == "cut":
        path.write_bytes(sound[:-100])
    else:
        path.write_bytes(sound[:-1] + bytes([sound[-1] ^ 1]))


def test_other_weights_have_other_embeddings(tmp_path: Path) -> None:
    one, other = network(), network()
    with torch.no_grad():
        next(iter(other.image_encoder.parameters())).add_(1)
    assert open_store(one, tmp_path, False).folder != open_store(other, tmp_path, False).folder
    assert open_store(one, tmp_path, False).folder != open_store(one, tmp_path, True).folder


def test_half_embeddings_take_half(world: Path, tmp_path: Path) -> None:
    image = find_items(world)[0].image
    stores = [open_store(network(), tmp_path, half) for half in (False, True)]
    for store in stores:
        encode_missing(network(), store, {image: store.path(image)}, iter)
    full, half = (store.path(image) for store in stores)
    assert half.stat().st_size < 0.6 * full.stat().st_size
    for one, two in zip(stores[0].read(full), stores[1].read(half), strict=True):
        torch.testing.assert_close(one, two, atol=1e-2, rtol=1e-2)
