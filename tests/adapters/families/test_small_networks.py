"""The families' networks at a small size."""

from dataclasses import replace

import pytest
import torch

from adapters.families.small_networks import DIM, GRID, IMAGE_SIZE, SAM2, sam, sam2
from tests.helpers.networks import count


def test_sam_embeds_a_small_image():
    network = sam()
    with torch.no_grad():
        embedding = network.image_encoder(torch.zeros(1, 3, IMAGE_SIZE, IMAGE_SIZE))
    assert embedding.shape == (1, DIM, GRID, GRID) and not network.training
    assert count(network) == 1_135_538


@pytest.mark.parametrize("sizes", [SAM2, replace(SAM2, side=256, patch_stride=4)], ids=["embedded", "larger input"])
def test_sam2_has_one_grid_whatever_its_input(sizes):
    network = sam2(sizes)
    with torch.no_grad():
        features = network.image_encoder(torch.zeros(1, 3, sizes.side, sizes.side))["backbone_fpn"]
    assert features[-1].shape == (1, sizes.dim, GRID, GRID) and not network.training
    assert network.memory_attention is None
