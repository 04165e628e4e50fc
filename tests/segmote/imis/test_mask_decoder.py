"""IMIS-Net's prompt encoder and mask decoder."""

import pytest
import torch

from adapters.families.imis import MINI, MINI_VOCABULARY
from segmote.imis.mask_decoder import MASKS
from segmote.imis.network import Imis

GRID = MINI.image_size // MINI.encoder.patch
BOXES = torch.tensor([[8.0, 8, 90, 60], [100, 20, 200, 180]])


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    return Imis(MINI, MINI_VOCABULARY).eval()


@torch.no_grad()
def drawn(network, embeddings, text=None):
    sparse, dense = network.prompt_encoder(None, BOXES, None, text)
    return network.mask_decoder(embeddings, network.prompt_encoder.get_dense_pe(), sparse, dense, text)


def test_text_is_a_token_after_the_others(network):
    text = torch.randn(2, MINI.dim)
    with torch.no_grad():
        plain, _ = network.prompt_encoder(None, BOXES, None)
        told, dense = network.prompt_encoder(None, BOXES, None, text)
        alone, dense_alone = network.prompt_encoder(None, None, None, text)
    assert torch.equal(told[:, :-1], plain) and torch.equal(told[:, -1], text)
    assert torch.equal(alone, text[:, None]) and len(dense_alone) == len(dense) == 2


def test_each_prompt_is_drawn_on_its_own_image(network):
    images = torch.randn(2, MINI.dim, GRID, GRID)
    both = drawn(network, images)
    assert both.logits.shape == (2, MASKS, 4 * GRID, 4 * GRID)
    assert both.scores.shape == (2, MASKS) and both.semantics.shape == (2, MASKS, MINI.semantic)
    for row in range(2):
        torch.testing.assert_close(
            drawn(network, images[row, None]).logits[row], both.logits[row], atol=1e-4, rtol=1e-4
        )


def test_text_changes_the_masks(network):
    images = torch.randn(2, MINI.dim, GRID, GRID)
    assert not torch.allclose(drawn(network, images).logits, drawn(network, images, torch.randn(2, MINI.dim)).logits)
