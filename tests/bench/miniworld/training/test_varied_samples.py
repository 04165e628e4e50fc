import numpy as np
from scipy import ndimage

from bench.miniworld.phantoms.medical import LEAST_PX, medical_sample
from bench.miniworld.phantoms.sample import TrainingSample
from bench.miniworld.training.varied_samples import varied


def test_masks_follow_the_varied_picture_and_sizes_vary():
    """A bright disc on black stays brighter, or after inversion darker, than its surroundings wherever it goes."""
    y, x = np.mgrid[:96, :120]
    disc = (x - 60) ** 2 + (y - 40) ** 2 < 20**2
    sample = TrainingSample(np.where(disc, 220, 40).astype(np.uint8), {"disc": disc}, "CT")
    areas, separations = [], []
    for seed in range(30):
        drawn = varied(sample, np.random.default_rng(seed))
        (mask,) = drawn.masks.values()
        assert drawn.image.shape == (96, 120, 3) and drawn.image.dtype == np.uint8 and mask.shape == (96, 120)
        assert mask.sum() >= LEAST_PX and drawn.modality == "CT"
        grey = drawn.image.mean(2)
        ring = ndimage.binary_dilation(mask, iterations=4) & ~ndimage.binary_dilation(mask)
        separations.append(grey[ndimage.binary_erosion(mask)].mean() - grey[ring].mean())
        areas.append(mask.sum() / disc.sum())
    assert min(areas) < 0.4 and max(areas) > 1.1
    assert np.mean(np.abs(separations) > 15) > 0.9
    assert min(separations) < 0 < max(separations)


def test_the_same_generator_varies_alike():
    sample = medical_sample(np.random.default_rng(3), "CT")
    one, other = (varied(sample, np.random.default_rng(4)) for _ in range(2))
    assert np.array_equal(one.image, other.image)
    assert all(np.array_equal(one.masks[name], other.masks[name]) for name in one.masks)
