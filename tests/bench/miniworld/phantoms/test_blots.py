import numpy as np

from bench.miniworld.phantoms.blots import MOST_OBJECTS, blot_sample


def test_blots_are_of_every_size_and_of_either_contrast():
    rng = np.random.default_rng(0)
    sides, brighter = [], []
    for _ in range(12):
        sample = blot_sample(rng)
        assert 1 <= len(sample.masks) <= MOST_OBJECTS
        for mask in sample.masks.values():
            rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
            sides.append(np.sqrt(np.ptp(rows) + 1) * np.sqrt(np.ptp(columns) + 1))
            window = sample.image[rows[0] - 3 : rows[-1] + 4, columns[0] - 3 : columns[-1] + 4, 0]
            brighter.append(sample.image[..., 0][mask].mean() > window.mean() if window.size else True)
    counts, _ = np.histogram(sides, [0, 8, 16, 32, 128])
    assert (counts > 0.05 * len(sides)).all()
    assert 0.2 < np.mean(brighter) < 0.8
