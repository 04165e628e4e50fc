"""SegMoTE on top of SAM, as the paper's text has it: names and sizes of the official file, SAM's own embeddings."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from segment_anything import sam_model_registry

from adapters.families import small_networks
from adapters.families.segmote import MINI, from_base
from adapters.weights.catalogue import locate
from adapters.weights.checkpoint import fill
from segmote.network.config import PAPER, on_sam
from segmote.network.model import Segmote
from segmote.network.official_names import NOT_SAMS, name_of_sams
from tests.helpers.networks import count, shapes_only

SMALL = on_sam(MINI, MINI.dim)


@pytest.fixture(scope="module")
def network() -> Segmote:
    return from_base(SMALL, locate("sam/mini"))


def test_official_file_has_all_that_is_shared() -> None:
    with torch.device("meta"):
        sam = {name_of_sams(key): value.shape for key, value in sam_model_registry["vit_b"]().state_dict().items()}
    ours = {key: value.shape for key, value in shapes_only(on_sam(PAPER)).state_dict().items()}
    assert {key: ours.get(key) for key in sam} == sam
    new = [key for key in ours if key not in sam and not key.startswith(NOT_SAMS)]
    # Appendix A of the released layout: 110 new entries, of which 14 in each layer beside the buffers and the like.
    assert len(new) == 110


def test_sizes_are_those_of_the_papers_text() -> None:
    network = shapes_only(on_sam(PAPER))
    assert PAPER.output_tokens == 9 and network.config.output_tokens == 5
    assert network.mask_decoder.expert_tokens.weight.shape == (4, 256)
    assert network.mask_decoder.img_prompt_pool is not None
    assert count(network.mask_decoder.img_prompt_pool) == 791_040


def test_embeddings_and_prompts_are_sams(network: Segmote) -> None:
    sam = small_networks.sam()
    fill(sam, locate("sam/mini"))
    images = torch.randn(2, 3, 128, 128, generator=torch.Generator().manual_seed(0))
    boxes, points = torch.tensor([[8.0, 8, 90, 60]]), (torch.tensor([[[30.0, 40.0]]]), torch.tensor([[1]]))
    with torch.no_grad():
        torch.testing.assert_close(network.encode(images)[0], sam.image_encoder(images), rtol=0, atol=1e-5)
        for given in ((points, None, None), (None, boxes, None), (None, None, torch.randn(1, 1, 64, 64))):
            for ours, theirs in zip(network.prompt_encoder(*given), sam.prompt_encoder(*given), strict=True):
                torch.testing.assert_close(ours, theirs, rtol=0, atol=0)


def test_decoder_starts_from_sams_and_its_own_parts_are_new(network: Segmote) -> None:
    file, state = load_file(locate("sam/mini")), network.state_dict()
    assert all(torch.equal(state[name_of_sams(key)], value.float()) for key, value in file.items())
    assert network.text_model is None
    assert not torch.equal(
        *(from_base(SMALL, locate("sam/mini"), seed).mask_decoder.expert_tokens.weight for seed in (0, 1))
    )
    assert torch.equal(
        from_base(SMALL, locate("sam/mini")).mask_decoder.expert_tokens.weight,
        state["mask_decoder.expert_tokens.weight"],
    )


def test_a_mask_is_drawn_without_semantic_vectors(network: Segmote) -> None:
    with torch.no_grad():
        embeddings, early = network.encode(torch.zeros(1, 3, 128, 128))
        details = network.details(embeddings, early)
        drawn = network.decode(embeddings, boxes=torch.tensor([[8.0, 8, 90, 60]]), details=details)
    assert drawn.mask.shape == (1, 1, 64, 64) and drawn.semantics.shape[1] == 0


def test_a_file_of_another_family_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"imis\.safetensors does not fit"):
        from_base(SMALL, locate("imis/mini"))
    with pytest.raises(ValueError, match=r"sam\.safetensors does not fit"):
        from_base(MINI, locate("sam/mini"))
