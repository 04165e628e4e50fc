import numpy as np

from bench.prompting.components import largest_component

MASK = np.array([[0, 1, 0, 0, 0], [0, 0, 1, 0, 1], [0, 0, 0, 0, 1], [1, 1, 0, 0, 0]], bool)


def test_among_equals_the_first_is_the_largest():
    first = np.zeros_like(MASK)
    first[0, 1] = first[1, 2] = True
    assert np.array_equal(largest_component(MASK), first)
    larger = MASK.copy()
    larger[3, 2] = True  # joins nothing else
    last = larger & (np.arange(4) == 3)[:, None]
    assert np.array_equal(largest_component(larger), last)
