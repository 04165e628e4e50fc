"""Where training from nothing begins."""

import torch

from adapters.families import small_networks
from bench.miniworld.training.families import FAMILIES, standard, standard_sam2
from bench.miniworld.training.networks import embed, prompt_encoder
from bench.miniworld.training.start import initialise


def explained(features: torch.Tensor, wanted: torch.Tensor) -> float:
    """Share of the variance of `wanted` (N, K) that a linear map of `features` (N, C) gives back."""
    design = torch.cat([features, torch.ones(len(features), 1)], 1)
    solution = torch.linalg.lstsq(design, wanted).solution
    rest = wanted - design @ solution
    return float(1 - rest.var() / (wanted - wanted.mean(0)).var())


def patches(images: torch.Tensor) -> torch.Tensor:
    """Mean brightness (N, 16) of 2 x 2 pixels in each patch of 8 x 8."""
    grey = torch.nn.functional.avg_pool2d(images.mean(1, keepdim=True), 2)
    return torch.nn.functional.unfold(grey, 4, stride=4).transpose(1, 2).flatten(0, 1)


@torch.no_grad()
def test_sams_encoder_hands_the_picture_through():
    images = torch.rand(4, 3, 128, 128, generator=torch.Generator().manual_seed(0))
    images = images.mean(1, keepdim=True).expand(-1, 3, -1, -1)
    shares = {}
    for start in (True, False):
        torch.manual_seed(0)
        network = small_networks.sam()
        if start:
            initialise(network)
        embedding = embed(network, standard(images))[-1].flatten(2).transpose(1, 2).flatten(0, 1)
        shares[start] = explained(embedding, patches(images))
    assert shares[True] > 0.8
    assert shares[True] > shares[False] + 0.05


def test_positions_lie_along_the_axes():
    for network in (small_networks.sam(), FAMILIES["sam2"].build()):
        initialise(network)
        waves = prompt_encoder(network).pe_layer.positional_encoding_gaussian_matrix
        assert ((waves != 0).sum(0) == 1).all()


@torch.no_grad()
def test_sam2s_blocks_add_nothing_yet():
    torch.manual_seed(0)
    network = FAMILIES["sam2"].build()
    initialise(network)
    block = network.image_encoder.trunk.blocks[2]  # of one width and without pooling
    features = torch.rand(1, 32, 32, block.dim)
    torch.testing.assert_close(block(features), features)
    assert embed(network, standard_sam2(torch.rand(1, 3, 128, 128)))[-1].shape == (1, small_networks.DIM, 16, 16)
