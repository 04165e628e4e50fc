"""Names of classes as the text tower is told them."""

import pytest
import torch

from adapters import card
from adapters.families.imis import ImisSegmenter
from bench.miniworld.training.names import Names
from bench.miniworld.training.pools import NAMES


def test_names_are_what_the_adapter_tells():
    torch.manual_seed(0)
    network = ImisSegmenter.build("mini")
    model = ImisSegmenter(card("imis/mini"), network, torch.device("cpu"), "fp32")
    index = torch.tensor([NAMES.index("liver"), NAMES.index("spleen"), NAMES.index("liver")])
    vectors = Names(network, torch.device("cpu")).vectors(network, index)
    torch.testing.assert_close(vectors, model.pooled(["liver", "spleen", "liver"]))
    vectors.sum().backward()
    assert any(value.grad is not None for value in network.text_model.parameters())
    network.text_model = None
    with pytest.raises(ValueError, match="text tower"):
        Names(network, torch.device("cpu")).vectors(network, index)
