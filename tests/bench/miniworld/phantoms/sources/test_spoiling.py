"""A share of the pictures is spoiled in three ways, and ranges stay."""

import numpy as np

from bench.miniworld.phantoms.sources.spoiling import SPOILED_SHARE, spoiled, spoiled_slices


def test_a_share_of_the_pictures_is_spoiled_in_three_ways():
    rng = np.random.default_rng(0)
    image = rng.integers(0, 255, (32, 32)).astype(np.float32)
    made = [spoiled(rng, image, 0, 255) for _ in range(400)]
    bad = [one for one in made if one is not image]
    assert 0.5 * SPOILED_SHARE < len(bad) / len(made) < 2 * SPOILED_SHARE
    spread = [float(one.std()) for one in bad]
    assert min(spread) < 0.3 * image.std() and max(spread) > image.std()
    assert all(one.min() >= 0 and one.max() <= 255 for one in bad)


def test_colours_are_not_mixed():
    image = np.zeros((16, 16, 3), np.float32)
    image[::2, ::2, 0], image[..., 2] = 255, 100
    rng = np.random.default_rng(1)
    blurred = [one for one in (spoiled(rng, image, 0, 255) for _ in range(200)) if one[..., 1].max() == 0]
    assert any(one is not image for one in blurred), "a blur that stays in its channel"


def test_some_slices_of_a_volume_are_spoiled_and_its_range_stays():
    rng = np.random.default_rng(2)
    volume = rng.normal(0, 100, (24, 20, 60)).astype(np.float32)
    made = spoiled_slices(rng, volume)
    changed = (made != volume).any((0, 1))
    assert made.shape == volume.shape and 2 <= changed.sum() <= 20
    assert made.min() >= volume.min() and made.max() <= volume.max()
