"""Generic shapes to train on."""

import numpy as np
from scipy import ndimage

from bench.miniworld.phantoms import shape_sample


def test_generic_shapes_are_visible_parts_of_objects():
    rng = np.random.default_rng(2)
    holes = 0
    for _ in range(20):
        drawn = shape_sample(rng)
        height, width = drawn.image.shape[:2]
        objects = [mask for name, mask in drawn.masks.items() if name.startswith("object")]
        assert drawn.image.dtype == np.uint8
        assert 128 <= height <= 256
        assert 128 <= width <= 256
        assert np.sum(objects, axis=0).max() <= 1, "objects do not share pixels"
        for name, mask in drawn.masks.items():
            assert mask.sum() >= 25
            if name.startswith("part"):
                assert not (mask & ~drawn.masks[f"object{name[4:]}"]).any()
        holes += sum(bool((ndimage.binary_fill_holes(mask) & ~mask).sum() > 9) for mask in objects)
    assert holes > 3


def test_generic_shapes_follow_the_generator():
    first, second = (shape_sample(np.random.default_rng(9)) for _ in range(2))
    assert np.array_equal(first.image, second.image)
    assert all(np.array_equal(first.masks[name], second.masks[name]) for name in first.masks)
