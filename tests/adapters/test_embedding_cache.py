"""Embeddings in a folder."""

import os
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch

import adapters
from adapters.embedding_cache import GIB, CachedSegmenter, EmbeddingCache
from adapters.interface import Prompt

IMAGES = [np.random.default_rng(seed).integers(0, 256, (40 + seed, 50, 3), np.uint8) for seed in range(3)]
BOX = Prompt(box=np.array([5, 5, 30, 30], np.float32))


class Counted:
    """A model that counts the images it encodes."""

    def __init__(self, name="sam/mini", precision="fp32", slow_seconds=0.0):
        self.model = adapters.load(name, precision=precision)
        self.card, self.network, self.encoded = self.model.card, self.model.network, self.model.encoded
        self.precision, self.masks, self.decode = precision, self.model.masks, self.model.decode
        self.slow_seconds, self.count = slow_seconds, 0

    def encode(self, images):
        self.count += len(images)
        time.sleep(self.slow_seconds)
        return self.model.encode(images)


def files_of(folder):
    return sorted(folder.glob("*/*.embedding"))


@pytest.mark.parametrize("name", ["sam/mini", "sam2/mini", "imis/mini", "segmote/mini", "sam-med2d/mini"])
def test_a_hit_draws_what_a_miss_draws(tmp_path, name):
    model = Counted(name, slow_seconds=0.05)
    plain = model.model.decode([(value, BOX) for value in model.model.encode(IMAGES)])
    for _ in range(2):
        cached = CachedSegmenter(model, EmbeddingCache(tmp_path))
        drawn = cached.decode([(value, BOX) for value in cached.encode(IMAGES)])
        for one, other in zip(plain, drawn, strict=True):
            assert torch.equal(one.logits, other.logits)
            assert torch.equal(one.mask, other.mask)
    assert model.count == len(IMAGES)


def test_half_precision_is_what_both_runs_work_with(tmp_path):
    model = Counted(slow_seconds=0.05)
    first, second = (CachedSegmenter(model, EmbeddingCache(tmp_path, stored="fp16")).encode(IMAGES) for _ in range(2))
    exact = model.model.encode(IMAGES)
    for one, other, wanted in zip(first, second, exact, strict=True):
        assert torch.equal(one.embedding, other.embedding)
        assert torch.equal(one.embedding, wanted.embedding.half().float())


def test_values_beyond_half_precision_stay_as_they_are():
    cache = EmbeddingCache("unused", stored="fp16")
    assert cache.rounded(torch.tensor([1.0, 59_000.0])).dtype == torch.float16
    for value in (70_000.0, float("nan"), float("inf")):
        assert cache.rounded(torch.tensor([1.0, value])).dtype == torch.float32


@pytest.mark.parametrize(
    "damage", [lambda data: data[:-9], lambda data: data[:40] + b"x" + data[41:], lambda data: b""]
)
def test_a_damaged_entry_is_computed_again(tmp_path, damage):
    model = Counted(slow_seconds=0.05)
    cached = CachedSegmenter(model, EmbeddingCache(tmp_path))
    wanted = cached.encode(IMAGES[:1])[0].embedding
    (path,) = files_of(tmp_path)
    path.write_bytes(damage(path.read_bytes()))
    again = cached.encode(IMAGES[:1])[0].embedding
    assert torch.equal(again, wanted)
    assert model.count == 2
    cached.encode(IMAGES[:1])
    assert model.count == 2


def test_weights_precision_and_pixels_make_other_entries(tmp_path):
    cache = EmbeddingCache(tmp_path)
    model = Counted(slow_seconds=0.05)
    CachedSegmenter(model, cache).encode(IMAGES[:1])
    other = IMAGES[0].copy()
    other[3, 4, 1] ^= 1
    CachedSegmenter(model, cache).encode([other])
    CachedSegmenter(Counted(precision="bf16"), cache).encode(IMAGES[:1])
    CachedSegmenter(Counted("medsam/mini"), cache).encode(IMAGES[:1])
    with torch.no_grad():
        next(model.network.image_encoder.parameters()).add_(1e-3)
    CachedSegmenter(model, cache).encode(IMAGES[:1])
    assert len(files_of(tmp_path)) == 5


def test_the_same_image_twice_is_encoded_once(tmp_path):
    model = Counted(slow_seconds=0.05)
    one, two = CachedSegmenter(model, EmbeddingCache(tmp_path)).encode([IMAGES[0], IMAGES[0]])
    assert model.count == 1
    assert torch.equal(one.embedding, two.embedding)


def test_the_folder_keeps_its_size_and_what_was_read_last(tmp_path):
    tensors = {"x": torch.zeros(1000)}
    cache = EmbeddingCache(tmp_path, largest_gib=10 * 4200 / GIB)
    for number in range(10):
        cache.write(f"{number:032x}", tensors)
        os.utime(files_of(tmp_path)[-1], (number, number))
    assert cache.read(f"{0:032x}") is not None  # the oldest is now the last read
    foreign = tmp_path / "00" / "weights.pt.part"
    foreign.write_bytes(b"x" * 100_000)
    cache.write(f"{99:032x}", tensors)
    cache.trim()
    left = {path.stem for path in files_of(tmp_path)}
    assert f"{0:032x}" in left
    assert f"{1:032x}" not in left
    assert sum(path.stat().st_size for path in files_of(tmp_path)) <= 10 * 4200
    assert foreign.exists()


def test_writers_side_by_side_leave_whole_entries(tmp_path):
    cache = EmbeddingCache(tmp_path)

    def work(number):
        cache.write(f"{number % 4:032x}", {"x": torch.full((50_000,), float(number % 4))})
        found = cache.read(f"{number % 4:032x}")
        return found is not None and bool((found["x"] == number % 4).all())

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(work, range(64)))
    assert len(files_of(tmp_path)) == 4
    assert not list(tmp_path.glob("*/*partial"))


def test_a_cache_slower_than_the_encoder_is_given_up(tmp_path, monkeypatch):
    model = Counted()
    cached = CachedSegmenter(model, EmbeddingCache(tmp_path))
    read = EmbeddingCache.read
    monkeypatch.setattr(EmbeddingCache, "read", lambda self, key: (time.sleep(0.3), read(self, key))[1])
    for _ in range(2):
        cached.encode(IMAGES)
    with pytest.warns(UserWarning, match="takes longer than computing it"):
        cached.encode(IMAGES)
    assert not cached.useful
    before = model.count
    cached.encode(IMAGES)
    assert model.count == before + len(IMAGES)


def test_a_size_of_nothing_is_refused(tmp_path):
    with pytest.raises(ValueError, match="got 0 GiB"):
        EmbeddingCache(tmp_path, largest_gib=0)
