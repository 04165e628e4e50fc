"""Batches from a pool, and their recolouring."""

import numpy as np
import torch

from bench.miniworld.training.batches import UPRIGHT, Source, Variation, tight_boxes, unpacked
from bench.miniworld.training.pools import SIDE, Pool

STILL = Variation(turned=False, zoom=(0.999, 1.001), recoloured=False)


def test_masks_follow_their_pictures(source, generator):
    batch = source.draw(6, 2, Variation(recoloured=False), generator)
    grey = batch.images.mean(1)[batch.owner]
    for mask, picture, name in zip(batch.masks, grey, batch.names, strict=True):
        inside = picture[mask > 0.9].mean()
        assert inside > 0.75 if name == 3 else inside < 0.25


def test_a_class_that_says_left_stays_on_the_left(source, generator):
    batch = source.draw(6, 2, UPRIGHT, generator)
    for name, box in zip(batch.names, batch.boxes, strict=True):
        assert name == 0 or box[1] < 64  # the squares lie in the upper half
    turned = source.draw(24, 2, Variation(), generator)
    assert (turned.boxes[turned.names == 3][:, 1] > 64).any()


def test_boxes_are_tight_and_end_one_past(generator):
    masks = torch.zeros(2, SIDE, SIDE, dtype=torch.bool)
    masks[0, 3:7, 10:21] = True
    masks[1, 127, 127] = True
    assert tight_boxes(masks).tolist() == [[10, 3, 21, 7], [127, 127, 128, 128]]


def test_bits_are_unpacked_in_order():
    mask = np.random.default_rng(0).random((2, SIDE, SIDE)) < 0.5
    packed = torch.from_numpy(np.packbits(mask, axis=-1))
    assert torch.equal(unpacked(packed), torch.from_numpy(mask).float())


def test_sizes_are_drawn_alike(generator):
    """One small object among many large ones is drawn as often as all of these."""
    small, large = np.zeros((2, SIDE, SIDE), bool)
    small[60:65, 60:65], large[20:60, 20:60] = True, True
    masks = np.packbits(np.stack([small, *[large] * 9]), axis=-1)
    pool = Pool(np.zeros((10, SIDE, SIDE, 3), np.uint8), masks, np.arange(10), np.zeros(10, np.int16))
    batch = Source(pool, torch.device("cpu")).draw(160, 1, STILL, generator)
    share = (batch.masks.sum((1, 2)) < 100).float().mean()
    assert 0.38 < share < 0.62


def test_the_same_generator_draws_the_same(source):
    one, two = (source.draw(3, 2, Variation(), torch.Generator().manual_seed(5)) for _ in range(2))
    assert torch.equal(one.images, two.images) and torch.equal(one.boxes, two.boxes)


def test_some_objects_of_a_batch_keep_the_pictures(batch):
    part = batch.of(torch.tensor([1]))
    assert part.images is batch.images
    assert torch.equal(part.boxes, batch.boxes[1:2]) and part.owner == batch.owner[1]
