"""Projections and pictures to train on."""

import numpy as np
import pytest

from bench.miniworld.phantoms.pictures import CHEST, chest_xray, dermoscopy, ultrasound

SHAPE = (96, 120)


def samples(draw, count=4):
    return [draw(np.random.default_rng(seed), SHAPE) for seed in range(count)]


@pytest.mark.parametrize(
    ("draw", "modality", "colours"),
    [(chest_xray, "X-ray", ()), (dermoscopy, "dermoscopy", (3,)), (ultrasound, "ultrasound", ())],
)
def test_pictures_have_their_size_colours_and_modality(draw, modality, colours):
    for one in samples(draw):
        assert one.modality == modality and one.image.shape == (*SHAPE, *colours) and one.image.dtype == np.uint8
        assert one.masks and all(mask.shape == SHAPE and mask.any() for mask in one.masks.values())


def test_lungs_are_darker_than_the_heart():
    for one in samples(chest_xray):
        assert set(one.masks) <= set(CHEST)
        assert one.image[one.masks["lung_left"]].mean() < one.image[one.masks["heart"]].mean()


def test_a_mole_is_darker_than_its_skin():
    for one in samples(dermoscopy):
        (mask,) = one.masks.values()
        assert one.image[mask].mean() < one.image[~mask].mean()
