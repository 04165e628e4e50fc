import numpy as np

from bench.prompting.components import components, largest_component

MASK = np.array([[0, 1, 0, 0, 0], [0, 0, 1, 0, 1], [0, 0, 0, 0, 1], [1, 1, 0, 0, 0]], bool)


def test_diagonal_neighbours_belong_together_and_numbers_follow_the_rows():
    assert components(MASK).tolist() == [[0, 1, 0, 0, 0], [0, 0, 1, 0, 2], [0, 0, 0, 0, 2], [3, 3, 0, 0, 0]]


def test_among_equals_the_first_is_the_largest():
    assert np.array_equal(largest_component(MASK), components(MASK) == 1)
    larger = MASK.copy()
    larger[3, 2] = True  # joins nothing else
    assert np.array_equal(largest_component(larger), components(larger) == 3)
