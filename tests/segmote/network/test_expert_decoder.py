"""The mask decoder with experts: noise, prompt tokens made from the image, and the choice of the result."""

from dataclasses import replace

import pytest
import torch

from adapters.families.segmote import MINI
from tests.helpers.networks import BOXES, network_of


def test_the_router_is_noisy_in_training_only(features: dict[str, torch.Tensor]) -> None:
    network = network_of(MINI)
    with torch.no_grad():
        quiet = network.decode(**features, boxes=BOXES)
        asked = network.decode(**features, boxes=BOXES, noise=True)
        network.train()
        noisy = network.decode(**features, boxes=BOXES)
        silenced = network.decode(**features, boxes=BOXES, noise=False)
        given = [network.decode(**features, boxes=BOXES, noise=torch.ones(2, 2, 4, 4)).logits for _ in range(2)]
    assert torch.equal(quiet.logits, silenced.logits)
    for drawn in (asked, noisy):
        assert all(routing.noisy and not routing.logits.equal(routing.clean_logits) for routing in drawn.routings)
    assert torch.equal(*given)


def test_ppt_replaces_or_joins_the_prompts_tokens(features: dict[str, torch.Tensor]) -> None:
    released, paper = network_of(MINI), network_of(replace(MINI, ppt_insert="append"))
    paper.load_state_dict(released.state_dict())
    with torch.no_grad():
        free, boxed = (released.decode(**features, boxes=boxes, ppt=True) for boxes in (None, BOXES))
        free_paper, boxed_paper = (paper.decode(**features, boxes=boxes, ppt=True) for boxes in (None, BOXES))
    torch.testing.assert_close(free.logits, boxed.logits)
    torch.testing.assert_close(free.logits, free_paper.logits)
    assert not torch.allclose(free.logits, boxed_paper.logits)


def test_without_experts_the_predicted_iou_chooses(features: dict[str, torch.Tensor]) -> None:
    with torch.no_grad():
        drawn = network_of(MINI).decode(**features, boxes=BOXES, mote=False)
    assert drawn.routings == ()
    assert drawn.token.tolist() == (1 + drawn.scores[:, 1:].argmax(dim=1)).tolist()
    assert torch.equal(drawn.mask[1, 0], drawn.logits[1, drawn.token[1]])
    assert torch.equal(drawn.score, drawn.scores[:, 1:].max(dim=1).values)


def test_forgotten_details_are_named(features: dict[str, torch.Tensor]) -> None:
    with pytest.raises(ValueError, match="details"):
        network_of(MINI).decode(features["embeddings"], boxes=BOXES)
