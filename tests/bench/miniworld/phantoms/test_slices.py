"""Slices to train on."""

import numpy as np
import pytest

from bench.miniworld.phantoms.slices import BRAIN, ORGANS, abdomen, brain_tumour

SHAPE = (100, 120)


@pytest.mark.parametrize(
    ("draw", "modality", "classes"),
    [
        *((abdomen, name, ORGANS) for name in ("CT", "T1", "T2")),
        *((brain_tumour, name, BRAIN) for name in ("T1", "T2", "FLAIR")),
    ],
)
def test_slices_show_their_classes(draw, modality, classes):
    seen = set()
    for seed in range(4):
        one = draw(np.random.default_rng(seed), SHAPE, modality)
        assert one.modality == modality and one.image.shape == SHAPE and one.image.dtype == np.uint8
        assert set(one.masks) <= set(classes)
        seen |= set(one.masks)
    assert len(seen) >= min(len(classes), 5)


def test_ventricles_are_bright_on_t2_and_dark_on_flair():
    for modality, brighter in (("T2", True), ("FLAIR", False)):
        one = brain_tumour(np.random.default_rng(3), SHAPE, modality)
        tissue = one.image[one.image > 20].mean()
        assert (one.image[one.masks["ventricles"]].mean() > tissue) == brighter
