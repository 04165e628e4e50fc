import torch

from bench.miniworld.training.localisation import OF_A_PICTURE, with_ellipses


def test_ellipses_fill_their_boxes_as_ellipses_do(batch, generator):
    drawn = with_ellipses(batch, generator)
    assert len(drawn.boxes) == OF_A_PICTURE * len(batch.images)
    assert drawn.boxes.min() >= 0 and drawn.boxes.max() <= 128
    area = (drawn.boxes[:, 2:] - drawn.boxes[:, :2]).prod(1)
    large = area > 200
    share = drawn.masks.sum((1, 2))[large] / area[large]
    assert (share - torch.pi / 4).abs().max() < 0.08
