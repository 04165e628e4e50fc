import time

import pytest

from bench.clock import Spent


def test_seconds_of_blocks_are_added_also_after_errors():
    spent = Spent()

    def broken():
        with spent.on("read"):
            time.sleep(0.01)
            raise KeyError

    for _ in range(2):
        with pytest.raises(KeyError):
            broken()
    assert 0.02 <= spent["read"] < 1


def test_parts_are_joined():
    spent = Spent(read=1.0)
    spent.join(Spent(read=0.5, write=2.0))
    assert spent == {"read": 1.5, "write": 2.0}
