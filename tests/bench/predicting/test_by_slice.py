import threading

import pytest

import adapters
from bench.clock import Spent
from bench.errors import RunError
from bench.predicting import by_slice


@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_slices_are_taken_in_chunks_in_their_order(device, monkeypatch):
    monkeypatch.setattr(by_slice, "SLICES_AT_ONCE", {"cpu": 2, "cuda": 3})
    size = by_slice.SLICES_AT_ONCE[device]
    for count in (0, 1, size, 2 * size + 1):
        spent = Spent()
        chunks = list(by_slice._chunks(iter(range(count)), device, spent))
        assert [one for chunk in chunks for one in chunk] == list(range(count))
        assert all(len(chunk) == size for chunk in chunks[:-1]) and set(spent) == {"read"}


def test_the_next_slices_of_a_gpu_are_read_while_it_computes():
    read = threading.Event()

    def slices():
        yield from range(64)
        read.set()
        yield 64

    chunks = by_slice._chunks(slices(), "cuda", Spent())
    next(chunks)
    assert read.wait(timeout=10)
    assert next(chunks) == [64]


@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_what_reading_raises_ends_the_chunks(device):
    def broken():
        yield from range(70)
        raise RunError("can no longer be read")

    with pytest.raises(RunError, match="no longer"):
        list(by_slice._chunks(broken(), device, Spent()))


def test_on_a_cpu_only_small_networks_take_cases_together():
    assert by_slice.room(adapters.card("sam/mini"), "cpu") == by_slice.SLICES_AT_ONCE["cpu"]
    assert by_slice.room(adapters.card("sam/vit_b"), "cpu") == 1
    assert by_slice.room(adapters.card("sam/vit_b"), "cuda:1") == by_slice.SLICES_AT_ONCE["cuda"]
