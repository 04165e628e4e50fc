"""Dice on pictures that were not learned from."""

import pytest
import torch

from bench.miniworld.training import validation
from bench.miniworld.training.families import FAMILIES
from bench.miniworld.training.validation import dice, held_out, validate


def masks(*rows):
    return torch.tensor(rows, dtype=torch.bool)[:, None]


def test_dice_by_hand():
    found = dice(masks([1, 1, 0, 0], [0, 0, 0, 0], [1, 1, 1, 1]), masks([1, 0, 0, 0], [0, 0, 0, 0], [1, 1, 1, 1]))
    assert found.tolist() == pytest.approx([2 / 3, 0, 1])


def test_the_pictures_are_always_the_same(source, monkeypatch):
    monkeypatch.setattr(validation, "PICTURES", 3)
    one, two = held_out(source), held_out(source)
    assert len(one.images) == 3 and torch.equal(one.images, two.images)


@pytest.mark.parametrize(("family", "clicks"), [("sam", True), ("medsam", False)])
def test_boxes_swapped_pictures_and_clicks_are_measured(source, monkeypatch, family, clicks):
    monkeypatch.setattr(validation, "PICTURES", 2)
    torch.manual_seed(0)
    found = validate(FAMILIES[family].build(), FAMILIES[family], {"blots": held_out(source)})
    assert {"blots_box", "blots_small", "blots_swap"} <= set(found) and ("blots_click5" in found) == clicks
    assert all(0 <= found[name] <= 1 for name in ("blots_box", "blots_swap"))
