"""IMIS-Net's image encoder."""

import torch

from adapters.families.imis import MINI
from segmote.imis.image_encoder import ImageEncoder, VisionTransformer

CONFIG = MINI.encoder


def test_there_is_a_grid_after_each_global_block():
    torch.manual_seed(0)
    with torch.no_grad():
        grids = VisionTransformer(CONFIG)(torch.randn(2, 3, CONFIG.grid * CONFIG.patch, CONFIG.grid * CONFIG.patch))
    assert len(grids) == len(CONFIG.global_blocks)
    assert {tuple(grid.shape) for grid in grids} == {(2, CONFIG.grid, CONFIG.grid, CONFIG.width)}
    assert not torch.equal(grids[0], grids[-1])


def test_positions_are_resampled_for_other_sizes():
    torch.manual_seed(0)
    encoder = ImageEncoder(CONFIG, 8)
    torch.nn.init.normal_(encoder.sam_encoder.pos_embed)
    side = CONFIG.patch * CONFIG.grid
    with torch.no_grad():
        assert encoder(torch.zeros(1, 3, side, 2 * side)).shape == (1, 8, CONFIG.grid, 2 * CONFIG.grid)
    same = encoder.sam_encoder._positions(torch.Size((CONFIG.grid, CONFIG.grid)))
    assert same is encoder.sam_encoder.pos_embed
    wide = encoder.sam_encoder._positions(torch.Size((CONFIG.grid, 2 * CONFIG.grid)))
    torch.testing.assert_close(wide.mean(), same.mean(), atol=0.02, rtol=0)


def test_the_embedding_is_the_last_grid_after_the_neck():
    torch.manual_seed(0)
    encoder = ImageEncoder(CONFIG, 8)
    images = torch.randn(1, 3, CONFIG.grid * CONFIG.patch, CONFIG.grid * CONFIG.patch)
    with torch.no_grad():
        torch.testing.assert_close(encoder(images), encoder.embed(encoder.sam_encoder(images)[-1]))
