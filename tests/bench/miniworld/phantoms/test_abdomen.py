import numpy as np

from bench.miniworld.phantoms.abdomen import CLASSES, SEQUENCES, trunk


def test_every_part_has_a_value_in_every_contrast_and_every_class_a_part():
    parts = [part for seed in range(8) for part in trunk(np.random.default_rng(seed))]
    assert all(part.tissue in table for part in parts for table in (*SEQUENCES,))
    assert {part.label for part in parts} - {"", None} == set(CLASSES)


def test_the_generator_decides_the_anatomy():
    one, again, other = (trunk(np.random.default_rng(seed)) for seed in (0, 0, 1))
    assert [part.shape.bounds[0].tolist() for part in one] == [part.shape.bounds[0].tolist() for part in again]
    assert [part.shape.bounds[0].tolist() for part in one] != [part.shape.bounds[0].tolist() for part in other]


def test_one_in_five_has_no_gallbladder():
    rng = np.random.default_rng(0)
    there = sum(any(part.label == "gallbladder" for part in trunk(rng)) for _ in range(60))
    assert 36 < there < 58
