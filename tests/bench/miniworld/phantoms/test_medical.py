"""Medical pictures to train on."""

import numpy as np
import pytest

from bench.miniworld.phantoms import medical_sample
from bench.miniworld.phantoms.medical import CLASSES, LEAST_PX, MODALITIES


@pytest.mark.parametrize("modality", MODALITIES)
def test_training_samples_are_valid(modality):
    rng = np.random.default_rng(5)
    shapes, seen = set(), set()
    for _ in range(8):
        drawn = medical_sample(rng, modality)
        assert drawn.modality == modality
        assert drawn.image.dtype == np.uint8
        assert drawn.image.ndim == (3 if modality == "dermoscopy" else 2)
        assert all(96 <= side <= 160 for side in drawn.image.shape[:2])
        assert drawn.image.std() > 10
        for name, mask in drawn.masks.items():
            assert name in CLASSES[modality]
            assert mask.dtype == bool
            assert mask.shape == drawn.image.shape[:2]
            assert mask.sum() >= LEAST_PX
        shapes.add(drawn.image.shape[:2])
        seen |= set(drawn.masks)
    assert any(height != width for height, width in shapes)
    assert len(seen) >= min(len(CLASSES[modality]), 5) - 1


def test_training_samples_follow_the_generator():
    first, second = (medical_sample(np.random.default_rng(3)) for _ in range(2))
    assert first.modality == second.modality
    assert np.array_equal(first.image, second.image)
    assert first.masks.keys() == second.masks.keys()
    assert not np.array_equal(first.image, medical_sample(np.random.default_rng(4), first.modality).image)


def test_unknown_modality_is_refused():
    with pytest.raises(ValueError, match="PET"):
        medical_sample(np.random.default_rng(0), "PET")
