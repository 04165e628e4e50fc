"""The decoder layers."""

import pytest
import torch

from adapters.families.segmote import MINI
from segmote.network.decoder_layer import DecoderLayer, ExpertTransformer

FIXED, EXPERTS, DIM = MINI.output_tokens, MINI.num_experts, MINI.dim


@pytest.fixture
def tokens():
    return torch.randn(2, FIXED + EXPERTS + 3, DIM, generator=torch.Generator().manual_seed(0))


@pytest.fixture
def pixels():
    return torch.randn(2, 25, DIM, generator=torch.Generator().manual_seed(1))


def layer(first=False):
    torch.manual_seed(0)
    return DecoderLayer(MINI, first).eval()


def test_only_expert_tokens_are_routed(tokens, pixels):
    with torch.no_grad():
        made, seen, routing = layer()(tokens, pixels, (tokens, pixels), None, True)
    assert made.shape == tokens.shape and seen.shape == pixels.shape
    assert routing.gates.shape == (2, EXPERTS, EXPERTS)


def test_without_mote_nothing_is_routed_and_the_mlp_is_left_out(tokens, pixels):
    one = layer()
    with torch.no_grad():
        before, _, routing = one(tokens, pixels, (tokens, pixels), None, False)
        for value in one.mlp.parameters():
            value.zero_()
        after, _, _ = one(tokens, pixels, (tokens, pixels), None, False)
    assert routing is None and torch.equal(before, after)


def test_the_first_layer_attends_without_positions(tokens, pixels):
    places = torch.zeros_like(tokens), pixels
    with torch.no_grad():
        for first, same in ((True, True), (False, False)):
            one = layer(first)
            attended = one._self_attention(tokens, tokens), one._self_attention(tokens, places[0])
            assert torch.allclose(*attended) == same


def test_there_is_a_routing_for_each_layer(tokens):
    torch.manual_seed(0)
    transformer = ExpertTransformer(MINI).eval()
    image = torch.randn(2, DIM, 5, 5)
    with torch.no_grad():
        made, pixels, routings = transformer(image, image, tokens, None, True)
        assert transformer(image, image, tokens, None, False)[2] == ()
    assert made.shape == tokens.shape and pixels.shape == (2, 25, DIM) and len(routings) == MINI.layers
