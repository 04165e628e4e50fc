"""Clicks are embedded as by the package, without looking at how many there are of each kind."""

import pytest
import torch

from adapters.families.sam_points import use_embedding_without_waits
from adapters.families.small_networks import sam
from tests.helpers.waits import Waits

POINTS = torch.tensor([[[3.0, 4], [50, 7], [20, 90]], [[11, 12], [13, 14], [0, 0]]])
LABELS = torch.tensor([[1, 0, -1], [0, 1, 1]], dtype=torch.int32)


@pytest.mark.parametrize("boxes", [None, torch.tensor([[1.0, 2, 30, 40], [5, 6, 7, 8]])])
def test_clicks_are_embedded_as_by_the_package_to_the_bit(boxes):
    torch.manual_seed(0)
    encoder = sam().prompt_encoder
    with torch.no_grad():
        with Waits() as before:
            expected, _ = encoder((POINTS, LABELS), boxes, None)
        use_embedding_without_waits(encoder)
        with Waits() as after:
            found, _ = encoder((POINTS, LABELS), boxes, None)
    assert torch.equal(found, expected)
    assert before.found > after.found == 0
