"""Abdomens as stacks: the organs of the slices, on their sides, in two modalities."""

import numpy as np
import pytest

from bench.miniworld.phantoms.slices import ORGANS
from bench.miniworld.phantoms.sources.abdomens import (
    SEQUENCES,
    Scanner,
    computed_tomography,
    magnetic_resonance,
    person,
)

SCANNER = Scanner(64, 72, (5.0, 5.0, 30.0), noise=(5.0, 10.0))
QUIET = Scanner(64, 72, (5.0, 5.0, 30.0))


def test_a_ct_is_in_hounsfield_units_with_organs_in_most_slices():
    volumes = [computed_tomography(np.random.default_rng(seed), SCANNER, 4) for seed in range(4)]
    for volume in volumes:
        assert volume.image.shape == (64, 72, 4) and set(volume.masks) == set(ORGANS)
        assert volume.image.min() < -800 and 200 < volume.image.max() < 1500
    drawn = {name for volume in volumes for name, mask in volume.masks.items() if mask.any()}
    assert drawn == set(ORGANS)
    shown = [np.any([mask.any((0, 1)) for mask in volume.masks.values()], axis=0) for volume in volumes]
    assert np.mean(shown) > 0.9


def test_the_liver_lies_to_the_patients_right():
    for seed in range(6):
        masks = computed_tomography(np.random.default_rng(seed), SCANNER, 2).masks
        if masks["liver"].any() and masks["spleen"].any():
            liver, spleen = (np.argwhere(masks[name])[:, 1].mean() for name in ("liver", "spleen"))
            assert liver < spleen


@pytest.mark.parametrize("sequence", SEQUENCES)
def test_one_person_has_the_same_organs_in_every_sequence(sequence):
    rng = np.random.default_rng(3)
    layers = person(rng, QUIET, 2)
    first, other = (magnetic_resonance(rng, QUIET, layers, 2, name) for name in ("T1", sequence))
    assert all((first.masks[name] == other.masks[name]).all() for name in ORGANS)
    assert not (first.image == other.image).all() and first.image.min() >= 0
