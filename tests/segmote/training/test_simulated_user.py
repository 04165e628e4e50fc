"""Boxes and clicks of the simulated user."""

import numpy as np
import pytest

from segmote.training import simulated_user


@pytest.fixture
def mask() -> np.ndarray:
    y, x = np.mgrid[:64, :64]
    return ((x - 30) / 12) ** 2 + ((y - 25) / 8) ** 2 <= 1


def test_boxes_are_tight_or_at_most_five_pixels_off(mask: np.ndarray) -> None:
    tight = simulated_user.box(mask, None)
    assert tight.tolist() == [18, 17, 42, 33]
    rng = np.random.default_rng(0)
    moved = np.stack([simulated_user.box(mask, rng) for _ in range(300)]) - tight
    assert moved.min() == -5 and moved.max() == 5
    assert np.array_equal(np.unique(moved), np.arange(-5, 6))
    edge = np.ones((8, 8), bool)
    boxes = np.stack([simulated_user.box(edge, rng) for _ in range(50)])
    assert boxes.min() >= 0 and boxes.max() <= 7


def test_clicks_lie_in_the_central_half(mask: np.ndarray) -> None:
    assert mask.sum() == 297
    rng = np.random.default_rng(0)
    clicks = [simulated_user.click(mask, rng) for _ in range(300)]
    xy, labels = np.concatenate([xy for xy, _ in clicks]), np.concatenate([labels for _, labels in clicks])
    assert (labels == 1).all() and np.hypot(*(xy - (30, 25)).T).max() <= 7
    one = np.zeros((64, 64), bool)
    one[5, 9] = True
    (corner,), (label,) = simulated_user.click(one, rng)
    assert label == 0 and tuple(corner) != (9, 5)


def test_error_clicks_say_what_is_missing(mask: np.ndarray) -> None:
    rng = np.random.default_rng(0)
    drawn = np.roll(mask, 6, axis=1)
    xy, labels = simulated_user.error_clicks(mask, drawn, 200, rng)
    columns, rows = xy.astype(int).T
    assert np.array_equal(mask[rows, columns], labels == 1)
    assert (mask ^ drawn)[rows, columns].all() and set(labels) == {0, 1}
    _, labels = simulated_user.error_clicks(mask, mask, 3, rng)
    assert labels.tolist() == [-1, -1, -1]


def test_boxes_may_be_quieter_and_end_past_the_last_pixel() -> None:
    mask = np.zeros((32, 32), bool)
    mask[10:20, 5:32] = True
    assert simulated_user.box(mask, None, past=1).tolist() == [5, 10, 32, 20]
    rng = np.random.default_rng(0)
    moved = np.stack([simulated_user.box(mask, rng, noise_px=1) for _ in range(50)]) - simulated_user.box(mask, None)
    assert np.abs(moved).max() == 1
