from dataclasses import replace

import numpy as np
import pytest
import torch

import adapters
from adapters import image_attention
from bench.miniworld.folders import phantom_data
from bench.studies.equality.certificate import approximate, batches, certify, exact
from bench.studies.equality.objects import spread
from bench.studies.equality.sessions import Answer, Session, ask_one_by_one, ask_together
from bench.studies.looking import BoxedTarget


def compared(model, objects):
    ours = ask_together(model, objects, 1)
    return exact(ours, ask_one_by_one(model, ours))


@pytest.fixture(scope="module")
def objects():
    return spread(phantom_data(), 2)


def session(mask, logits=None, clicks=()):
    target = np.zeros((4, 4), bool)
    target[1:3, 1:3] = True
    picture = np.zeros((4, 4), np.uint8)
    made = Session(BoxedTarget("a", "b", picture, picture, target, np.array([1, 1, 2, 2], np.float32)))
    made.answers.append(Answer(torch.arange(16.0).reshape(4, 4) if logits is None else logits, mask, None))
    made.clicks += clicks
    return made


def square(rows=2):
    mask = np.zeros((4, 4), bool)
    mask[1 : 1 + rows, 1:3] = True
    return mask


@pytest.mark.parametrize("name", ["sam/mini", "sam2/mini", "medsam/mini", "sam-med2d/mini", "segmote/mini"])
def test_the_minis_pass(objects, name):
    made = certify([name], {name: objects})
    found = made["models"][name]
    assert found["exact"]["passed"] and found["batches"]["passed"]
    assert found["rounds"] == (1 if name == "medsam/mini" else 3)
    assert made["summary"][name].startswith("passed against")


def test_a_wrong_position_is_seen(objects, monkeypatch):
    monkeypatch.setattr(image_attention, "_add_positions", lambda *_: None)
    model = adapters.load("sam/mini")
    found = compared(model, objects)
    assert not found["passed"] and found["logits"] > 1e-2


def test_forgotten_padding_is_seen(objects, monkeypatch):
    model = adapters.load("sam/mini")
    for block in model.network.image_encoder.blocks:
        block.window_size = 5 if block.window_size else 0  # 16 tokens in windows of 5: padding
        block.attn.use_rel_pos = False
    assert compared(model, objects)["passed"]
    filled = image_attention._filled_up
    monkeypatch.setattr(image_attention, "_filled_up", lambda projected, _, window: filled(projected, None, window))
    assert not compared(model, objects)["passed"]


@pytest.mark.parametrize(
    ("ours", "said"),
    [
        (session(square()), {"passed": True}),
        (session(square(rows=1)), {"passed": False, "pixels": 2 / 16}),
        (session(square(), torch.arange(16.0).reshape(4, 4) + 0.01), {"passed": False, "pixels": 0.0}),
        (session(square(), clicks=[(1, 1, 1)]), {"passed": False, "same_clicks": False}),
    ],
    ids=["same", "pixels", "logits", "clicks"],
)
def test_each_difference_fails(ours, said):
    found = exact([ours], [session(square())])
    assert {key: found[key] for key in said} == said


def test_an_answer_that_depends_on_its_batch_is_seen(objects):
    model = adapters.load("sam/mini")
    assert batches(model, objects)["passed"]
    honest = model.decode

    def depends(requests, **kwargs):
        return [replace(p, logits=p.logits + (len(requests) > 60)) for p in honest(requests, **kwargs)]

    model.decode = depends
    found = batches(model, objects)
    assert not found["passed"] and found["logits"]["among 7"] < 1e-4 < found["logits"]["among 64"]


def test_bfloat16_is_judged_by_mean_and_interval():
    right, half = session(square()), session(square(rows=1))
    assert approximate([right] * 9, [right] * 9) == {
        "dice": 1.0, "dice_bf16": 1.0, "mean": 0.0, "interval": [0.0, 0.0], "worst": 0.0, "passed": True,
    }  # fmt: skip
    both_ways = approximate([right, half], [half, right])
    assert both_ways["mean"] == 0 and not both_ways["passed"], "nothing in the mean, but far from certain"
    assert not approximate([right], [right])["passed"], "one object has no interval"
    assert approximate([right] * 2, [half] * 2)["mean"] == pytest.approx(-1 / 3)
