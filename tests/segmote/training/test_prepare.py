"""What is checked before a training."""

import pytest

from segmote.training.prepare import check_network
from tests.helpers.training_world import network, recipe


def test_devices_that_do_not_divide_the_batch_are_refused() -> None:
    with pytest.raises(ValueError, match="devices must divide the batch of 4 images, got 3"):
        check_network(network(), recipe(), devices=3)
