import tracemalloc

import numpy as np
import pytest

from bench.data import catalogue
from bench.data.slicing import planes
from bench.protocols import Protocol
from bench.store import slice_cache
from bench.store.run_folder import SLICES, slices_path
from tests.helpers.fakes import SQUARES

pytestmark = pytest.mark.usefixtures("registered")
RULES = (Protocol("whole", "test"), Protocol("parts", "test", component="each", axis="acquisition"))
ITEM = SQUARES.index(None)[0]


def assert_equal(one, other):
    assert one.grid == other.grid
    assert np.array_equal(one.image, other.image) and one.image.dtype == np.uint8
    assert list(one.masks) == list(other.masks)
    assert all(np.array_equal(one.masks[name], other.masks[name]) for name in one.masks)
    assert all(mask.dtype == bool for mask in one.masks.values())


@pytest.mark.parametrize("everything", [False, True])
@pytest.mark.parametrize("protocol", RULES, ids=lambda rule: rule.name)
def test_slices_come_back_as_they_were_cut(tmp_path, protocol, everything):
    cut = list(planes(catalogue.read(ITEM), protocol, everything))
    passed = list(slice_cache.keep(tmp_path, ITEM, cut))
    read = list(slice_cache.planes(tmp_path, ITEM, protocol, everything))
    assert len(cut) == len(passed) == len(read) == 3
    for before, on_the_way, after in zip(cut, passed, read, strict=True):
        assert_equal(before, on_the_way)
        assert_equal(before, after)


def test_a_case_is_read_once_and_its_slices_kept_only_where_that_is_asked_for(tmp_path, monkeypatch):
    reads = []
    real = catalogue.read
    monkeypatch.setattr(catalogue, "read", lambda item: reads.append(item.case) or real(item))
    for _ in range(2):
        assert len(list(slice_cache.planes(tmp_path, ITEM, RULES[0], False))) == 3
    assert len(reads) == 2 and not (tmp_path / SLICES).exists()
    for _ in range(2):
        found = slice_cache.planes(tmp_path, ITEM, RULES[0], False, wanted={1}, keeping=True)
        assert [one.grid.slice for one in found] == [1]
    assert len(reads) == 3
    assert [one.grid.slice for one in slice_cache.planes(tmp_path, ITEM, RULES[0], False)] == [0, 1, 2]


def test_a_case_that_was_not_cut_to_its_end_is_not_kept(tmp_path):
    started = slice_cache.keep(tmp_path, ITEM, planes(catalogue.read(ITEM), RULES[0]))
    next(started)
    started.close()
    assert [path for path in (tmp_path / SLICES).rglob("*") if path.is_file()] == []


def test_a_disk_that_is_nearly_full_keeps_nothing_and_the_slices_come_all_the_same(tmp_path, monkeypatch):
    monkeypatch.setattr(slice_cache, "SHARE_OF_FREE", 0.0)
    assert len(list(slice_cache.keep(tmp_path, ITEM, planes(catalogue.read(ITEM), RULES[0])))) == 3
    assert not slices_path(tmp_path, ITEM.dataset, ITEM.case).exists()
    assert len(list(slice_cache.planes(tmp_path, ITEM, RULES[0], False, keeping=True))) == 3


def test_one_slice_at_a_time_is_in_memory(tmp_path):
    first = next(planes(catalogue.read(ITEM), RULES[0]))
    large = slice_cache.Plane(first.grid, np.zeros((1000, 1000), np.uint8), {"square": np.ones((1000, 1000), bool)})
    list(slice_cache.keep(tmp_path, ITEM, [large] * 30))
    tracemalloc.start()
    count = sum(1 for _ in slice_cache.planes(tmp_path, ITEM, RULES[0], False))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert count == 30 and peak < 6e6  # bytes; a slice has two million


def test_two_who_keep_one_case_at_a_time_do_not_disturb_each_other(tmp_path):
    writers = [slice_cache.keep(tmp_path, ITEM, planes(catalogue.read(ITEM), RULES[0])) for _ in range(2)]
    for _ in range(3):
        assert_equal(*map(next, writers))
    assert [list(rest) for rest in writers] == [[], []]
    cut = planes(catalogue.read(ITEM), RULES[0])
    for before, after in zip(cut, slice_cache.planes(tmp_path, ITEM, RULES[0], False), strict=True):
        assert_equal(before, after)
