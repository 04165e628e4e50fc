"""What a network is asked about."""

import pytest
import torch

from adapters.families.segmote import MINI
from tests.helpers.networks import GRID


@pytest.fixture(scope="module")
def features() -> dict[str, torch.Tensor]:
    """Embeddings and details of two images."""
    generator = torch.Generator().manual_seed(0)
    return {
        "embeddings": torch.randn(2, MINI.dim, GRID, GRID, generator=generator),
        "details": torch.randn(2, MINI.dim // 8, 4 * GRID, 4 * GRID, generator=generator),
    }
