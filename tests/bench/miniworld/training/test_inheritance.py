"""How the minis of other families start from SAM's."""

import torch
from safetensors.torch import save_file

from adapters.families import small_networks
from bench.miniworld.training.families import FAMILIES
from bench.miniworld.training.inheritance import unit_range
from bench.miniworld.training.networks import embed


def test_medsam_starts_by_seeing_what_sam_sees(tmp_path):
    torch.manual_seed(0)
    sam, medsam = small_networks.sam(), small_networks.sam()
    save_file(sam.state_dict(), tmp_path / "sam.safetensors")
    unit_range(medsam, tmp_path / "sam.safetensors")
    images = torch.rand(1, 3, 128, 128)
    with torch.no_grad():
        (expected,) = embed(sam, FAMILIES["sam"].prepare(images))
        torch.testing.assert_close(embed(medsam, images)[0], expected, atol=1e-3, rtol=1e-3)
        assert not torch.allclose(embed(sam, images)[0], expected, atol=1e-2)
