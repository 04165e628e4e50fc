"""The simulated user in training."""

import pytest
import torch

from adapters import card
from bench.miniworld.training import rounds
from bench.miniworld.training.families import FAMILIES
from bench.miniworld.training.networks import MaskProposals, boxed, named
from bench.miniworld.training.rounds import answers, enlarged, first


@pytest.fixture
def blind(monkeypatch):
    """A network that draws nothing, and the prompts it gets."""
    seen = []

    def record(network, features, owner, prompts):
        seen.append(prompts)
        return MaskProposals(torch.full((len(owner), 4, 64, 64), -50.0), torch.zeros(len(owner), 4), torch.zeros(1))

    monkeypatch.setattr(rounds, "propose", record)
    return seen


def kinds(prompts):
    told = {"box": prompts.boxes, "mask": prompts.masks, "text": prompts.text}
    found = {kind for kind, value in told.items() if value is not None}
    return frozenset(found | ({"points"} if prompts.xy.shape[1] else set()))


def test_sams_rounds_add_clicks_and_feed_masks_back(blind, batch, generator):
    user = FAMILIES["sam"].user
    list(answers(None, [], batch, first("box", batch, user.noise, 0.0, generator), user, 3, generator))
    assert [prompts.xy.shape[1] for prompts in blind] == [0, 1, 2]
    assert blind[0].masks is None and float(blind[2].masks.min()) == -32
    assert all(torch.equal(prompts.boxes, batch.boxes) for prompts in blind)
    assert blind[2].labels.unique().tolist() == [1]


@pytest.mark.parametrize("family", ["sam-med2d", "imis"])
def test_training_sees_the_prompts_that_the_card_says(family, blind, batch, generator):
    user = FAMILIES[family].user
    text = torch.zeros(len(batch.owner), 32) if family == "imis" else None
    for kind in FAMILIES[family].stages[-1].first:
        for _ in range(12):
            noise = user.noise, 0.5
            start = named(text) if kind == "text" else first(kind, batch, *noise, generator)
            list(answers(None, [], batch, start, user, 4, generator, text))
    assert {kinds(prompts) for prompts in blind} == card(f"{family}/mini").trained
    fed_back = torch.cat([prompts.masks for prompts in blind if prompts.masks is not None])
    assert fed_back.unique().tolist() == ([-32.0] if family == "imis" else [pytest.approx(0, abs=1e-6)])


def test_the_mask_shown_is_the_familys(batch):
    logits = torch.arange(4.0)[None, :, None, None].expand(2, -1, 64, 64)
    scores = torch.tensor([[9.0, 0.1, 0.7, 0.3], [0.0, 0.8, 0.2, 0.1]])
    drawn = MaskProposals(logits, scores, torch.zeros(1))
    box, click = boxed(batch.boxes[:2]), first("click", batch.of(torch.tensor([0, 1])), None, 0.0, torch.Generator())
    shown = {name: FAMILIES[name].user.shown for name in ("sam", "imis")}
    assert shown["sam"](drawn, box)[:, 0, 0, 0].tolist() == [0, 0]
    assert shown["sam"](drawn, click)[:, 0, 0, 0].tolist() == [2, 1]
    assert shown["imis"](drawn, box)[:, 0, 0, 0].tolist() == [2, 1]


def test_a_first_click_lies_in_its_object(batch, generator):
    prompts = first("click", batch, None, 0.0, generator)
    x, y = prompts.xy[:, 0].round().long().clamp(0, 127).T
    assert (batch.masks[torch.arange(len(x)), y, x] > 0.5).all()
    assert prompts.labels.unique().tolist() == [1]


def test_masks_are_enlarged_to_the_pictures_size():
    assert enlarged(torch.zeros(2, 1, 64, 64)).shape == (2, 128, 128)
