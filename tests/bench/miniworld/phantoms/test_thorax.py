import numpy as np

from bench.miniworld.phantoms.thorax import HOUNSFIELD, ORGANS, chest


def test_every_part_has_a_value_in_every_contrast_and_every_class_a_part():
    parts = [part for seed in range(8) for part in chest(np.random.default_rng(seed))]
    assert all(part.tissue in table for part in parts for table in (HOUNSFIELD,))
    assert {part.label for part in parts} - {"", None} == set(ORGANS)


def test_the_generator_decides_the_anatomy():
    one, again, other = (chest(np.random.default_rng(seed)) for seed in (0, 0, 1))
    assert [part.shape.bounds[0].tolist() for part in one] == [part.shape.bounds[0].tolist() for part in again]
    assert [part.shape.bounds[0].tolist() for part in one] != [part.shape.bounds[0].tolist() for part in other]
