import numpy as np
import pytest

from bench.miniworld.phantoms.brain import ADC, DWI, FLAIR, LESION, head


def test_every_part_has_a_value_in_every_contrast_and_every_class_a_part():
    parts = [part for seed in range(8) for part in head(np.random.default_rng(seed), 2)]
    assert all(
        part.tissue in table
        for part in parts
        for table in (
            DWI,
            ADC,
            FLAIR,
        )
    )
    assert {part.label for part in parts} - {"", None} == {LESION}


def test_the_generator_decides_the_anatomy():
    one, again, other = (head(np.random.default_rng(seed), 2) for seed in (0, 0, 1))
    assert [part.shape.bounds[0].tolist() for part in one] == [part.shape.bounds[0].tolist() for part in again]
    assert [part.shape.bounds[0].tolist() for part in one] != [part.shape.bounds[0].tolist() for part in other]


@pytest.mark.parametrize("count", [0, 1, 5])
def test_a_head_has_as_many_lesions_as_asked_for(count):
    parts = head(np.random.default_rng(1), count)
    assert sum(part.label == LESION for part in parts) == count
