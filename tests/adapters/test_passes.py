"""Passes that get smaller when memory runs out."""

import pytest
import torch

from adapters.passes import Passes
from tests.helpers.time_limit import timed


@pytest.fixture(autouse=True)
def _limited():
    """A size that is not halved would be tried for ever."""
    with timed(20):
        yield


class Device:
    """Holds so many items; more raise what torch raises."""

    def __init__(self, room):
        self.room, self.sizes = room, []

    def __call__(self, items):
        self.sizes.append(len(items))
        if len(items) > self.room:
            raise torch.OutOfMemoryError(f"no room for {len(items)}")
        return [10 * item for item in items]


def test_all_items_come_back_in_order():
    device = Device(100)
    assert Passes(4).through(list(range(10)), device) == [10 * item for item in range(10)]
    assert device.sizes == [4, 4, 2]


def test_a_pass_that_does_not_fit_is_halved_and_goes_on():
    device, passes = Device(3), Passes(16)
    with pytest.warns(UserWarning, match="out of memory with 16 items"):
        assert passes.through(list(range(20)), device) == [10 * item for item in range(20)]
    assert device.sizes == [16, 8, 4, *[2] * 10]


def test_the_smaller_size_is_kept():
    device, passes = Device(2), Passes(8)
    with pytest.warns(UserWarning, match="going on with at most 2"):
        passes.through(list(range(8)), device)
    device.sizes.clear()
    passes.through(list(range(4)), device)
    assert device.sizes == [2, 2]


def test_one_item_that_does_not_fit_is_an_error():
    with pytest.warns(UserWarning, match="going on"), pytest.raises(torch.OutOfMemoryError, match="no room for 1"):
        Passes(2).through([1, 2], Device(0))


def test_other_errors_are_not_caught():
    def broken(items):
        raise RuntimeError("mat1 and mat2")

    with pytest.raises(RuntimeError, match="mat1"):
        Passes(2).through([1, 2], broken)


def test_a_pass_of_nothing_is_refused():
    with pytest.raises(ValueError, match="got 0"):
        Passes(0)
