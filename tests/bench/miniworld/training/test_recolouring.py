import torch

from bench.miniworld.training.recolouring import recoloured


def test_recolouring_turns_contrast_round_but_keeps_the_range(generator):
    images = torch.full((64, 3, 16, 16), 0.3)
    images[..., 8:] = 0.7
    changed = recoloured(images, torch.ones(64, 1, 16, 16, dtype=torch.bool), generator)
    assert changed.min() >= 0 and changed.max() <= 1
    inverted = (changed[..., 8:].mean((1, 2, 3)) < changed[..., :8].mean((1, 2, 3))).float().mean()
    assert 0.2 < inverted < 0.6
