"""Objects asked for in rounds."""

from dataclasses import replace

import numpy as np
import pytest
import torch

import adapters
from bench.studies.equality.sessions import Answer, Session, ask_one_by_one, ask_together, published_name, rounds_of
from bench.studies.looking import BoxedTarget


def test_models_that_take_no_clicks_have_one_round():
    assert rounds_of(adapters.load("medsam/mini")) == 1


@pytest.fixture
def target():
    """A square on a picture of its own brightness."""
    mask = np.zeros((32, 40), bool)
    mask[8:24, 10:26] = True
    picture = np.where(mask, 200, 40).astype(np.uint8)
    return BoxedTarget("d", "r", picture, picture, mask, np.array([10, 8, 26, 24], np.float32))


def test_a_click_on_the_error_follows_each_answer(target):
    session = Session(target)
    assert session.prompt(session.feedback).kinds == {"box"}
    half = target.mask.copy()
    half[:, 18:] = False
    session.take(Answer(torch.zeros(4, 4), half, torch.zeros(1, 4, 4)))
    ((x, y, label),) = session.clicks
    assert label == 1 and target.mask[int(y), int(x)] and not half[int(y), int(x)]
    assert session.prompt(session.feedback).kinds == {"box", "points", "mask"}
    session.take(Answer(torch.zeros(4, 4), target.mask, None))
    assert len(session.clicks) == 1 and [session.dice(0), session.dice(1)] == [pytest.approx(2 / 3), 1.0]


def test_both_ways_ask_the_same_and_get_the_same(target):
    model = adapters.load("baseline/ellipse")
    together = ask_together(model, [target, target], 1)
    alone = ask_one_by_one(model, together)
    assert all(np.array_equal(a.answers[0].mask, b.answers[0].mask) for a, b in zip(together, alone, strict=True))


def test_each_round_of_the_published_path_begins_from_the_mask_that_ours_handed_back(target):
    model = adapters.load("sam/mini")
    ours = ask_together(model, [target], 3)
    (alone,) = ask_one_by_one(model, ours)
    assert torch.allclose(alone.answers[2].logits, ours[0].answers[2].logits, atol=1e-3)
    ours[0].answers[1] = replace(ours[0].answers[1], feedback=-ours[0].answers[1].feedback)
    (other,) = ask_one_by_one(model, ours)
    assert torch.equal(other.answers[1].logits, alone.answers[1].logits)
    assert not torch.allclose(other.answers[2].logits, alone.answers[2].logits, atol=1e-3)


def test_the_published_path_is_named():
    assert published_name(adapters.load("sam2/mini")) == "sam2.SAM2ImagePredictor"
    assert published_name(adapters.load("medsam/mini")) == "the published arithmetic, one by one"
