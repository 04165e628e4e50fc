"""The baselines, which need no weights."""

import math

import numpy as np
import pytest
import torch

from adapters import Prompt, load
from tests.helpers.prompts import image

BOX = Prompt(box=np.array([58, 6, 80, 26]))


def test_the_filled_box_is_exclusive() -> None:
    segmenter = load("baseline/box")
    [encoded] = segmenter.encode([image()])
    [prediction] = segmenter.decode([(encoded, Prompt(box=np.array([3, 5, 10, 7])))])
    target = torch.zeros(48, 90, dtype=torch.bool)
    target[5:7, 3:10] = True
    assert torch.equal(prediction.mask, target)
    assert torch.equal(prediction.logits, target.float() * 2 - 1)


def test_the_ellipse_fills_its_part_of_the_box() -> None:
    segmenter = load("baseline/ellipse")
    [encoded] = segmenter.encode([np.zeros((200, 300), np.uint8)])
    [prediction, flat] = segmenter.decode(
        [(encoded, Prompt(box=np.array([20, 30, 280, 150]))), (encoded, Prompt(box=np.array([20, 30, 20, 150])))]
    )
    rows, columns = np.nonzero(prediction.mask.numpy())
    assert (columns.min(), columns.max() + 1, rows.min(), rows.max() + 1) == (20, 280, 30, 150)
    assert prediction.mask.sum() == pytest.approx(math.pi * 130 * 60, rel=0.01)
    assert not flat.mask.any()


@pytest.mark.parametrize("dark", [False, True])
def test_otsu_takes_the_side_at_the_centre(dark: bool) -> None:
    segmenter = load("baseline/otsu")
    given = 255 - image() if dark else image()
    y, x = np.mgrid[:48, :90]
    [encoded] = segmenter.encode([given])
    [prediction, constant, empty] = segmenter.decode(
        [
            (encoded, BOX),
            (segmenter.encode([np.zeros((48, 90), np.uint8)])[0], BOX),
            (encoded, Prompt(box=np.array([5, 5, 5, 9]))),
        ]
    )
    # The histogram's bins may put a pixel or two on the other side.
    assert (prediction.mask.numpy() != (np.hypot(x - 69, y - 16) < 10)).sum() <= 2
    assert constant.mask.sum() == 22 * 20
    assert not empty.mask.any()
