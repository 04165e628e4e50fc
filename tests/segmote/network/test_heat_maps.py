"""Heat maps of the routing: averages by hand, and a pass that does not notice that it is watched."""

import pytest
import torch

from adapters.families.segmote import MINI
from segmote.network.heat_maps import expert_maps, probabilities, token_maps, watched
from tests.helpers.networks import BOXES, network_of

MAPS = torch.tensor([[0.0, 1.0], [1.0, 0.5], [0.2, 0.4]])[None, :, None]  # (1, 3, 1, 2)
GATES = torch.tensor([[[1.0, 0, 0], [0.3, 0.7, 0], [0, 1.0, 0]]])  # token 1 has two experts, expert 2 no token


@pytest.mark.parametrize(
    ("combine", "first", "second"),
    [("mean", [0.0, 1.0], [1.0, 0.0]), ("sum", [0.0, 1.0], [1.0, 0.0]), ("max", [0.0, 0.0], [1.0, 0.0])],
)
def test_an_experts_map_is_that_of_its_tokens(combine, first, second):
    maps = expert_maps(MAPS, GATES, combine)
    # mean: [.5, .75] and [.6, .45], sum: [1, 1.5] and [1.2, .9], max: [1, 1] and [1, .5]; then stretched to 0..1.
    torch.testing.assert_close(maps, torch.tensor([first, second, [0.0, 0.0]])[None, :, None])


def test_a_tokens_map_is_the_mean_over_heads_stretched():
    attention = torch.tensor([[[[0.1, 0.2, 0.3, 0.4]], [[0.4, 0.2, 0.3, 0.1]]]])  # (1, 2 heads, 1, 4)
    expected = torch.tensor([[[[0.5, 0.0], [1.0, 0.5]]]])
    torch.testing.assert_close(token_maps(attention, (2, 2)), expected)


def test_probabilities_are_those_of_the_attention_itself(features):
    layer = network_of(MINI).mask_decoder.transformer.layers[0].cross_attn_token_to_image
    tokens, pixels = torch.randn(2, 3, MINI.dim), torch.randn(2, 9, MINI.dim)
    shares = probabilities(layer, tokens, pixels)
    values = layer.v_proj(pixels).unflatten(-1, (layer.num_heads, -1)).transpose(1, 2)
    by_hand = layer.out_proj((shares @ values).transpose(1, 2).flatten(2))
    torch.testing.assert_close(by_hand, layer(tokens, pixels, pixels))


def test_watching_changes_no_number_and_ends_with_its_block(features):
    network = network_of(MINI)
    with torch.no_grad():
        plain = network.decode(boxes=BOXES, **features)
        with watched(network.mask_decoder) as seen:
            looked_at = network.decode(boxes=BOXES, **features)
        network.decode(boxes=BOXES, **features)
    assert torch.equal(plain.logits, looked_at.logits)
    assert [tuple(part.shape) for part in seen] == [(2, MINI.heads, MINI.num_experts, 16 * 16)] * MINI.layers
    torch.testing.assert_close(seen[1].sum(dim=-1), torch.ones_like(seen[1][..., 0]))
