import torch

from bench.miniworld.training.batches import PictureBatch
from bench.miniworld.training.contrast import mostly_bright


def test_one_contrast_leaves_only_what_is_brighter(generator):
    images = torch.full((1, 3, 128, 128), 0.5)
    masks = torch.zeros(8, 128, 128)
    for index in range(8):
        masks[index, 10 * index : 10 * index + 6, 20:40] = 1
        images[0][:, masks[index] > 0] = 0.9 if index < 3 else 0.1
    boxes = torch.tensor([[20.0, 10 * index, 40, 10 * index + 6] for index in range(8)])
    batch = PictureBatch(images, torch.zeros(8, dtype=torch.long), masks, boxes, torch.zeros(8, dtype=torch.long))
    bright = mostly_bright(batch, 1.0, generator)
    assert torch.equal(bright.boxes, boxes[3:])  # most are dark: the picture is inverted and they stay
    assert bright.images[0, 0][masks[5] > 0].mean() > 0.8
    assert len(mostly_bright(batch, 0.0, generator).boxes) == 8
