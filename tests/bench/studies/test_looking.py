"""Whether a network looks at the picture, told for made-up ones and, slowly, for the minis."""

import numpy as np
import pandas as pd
import pytest
import torch

import adapters
from adapters.interface import Prediction
from bench.miniworld import folders
from bench.studies.looking import CHANGES, BoxedTarget, by_dataset, looking, targets
from tests.helpers.fakes import Fake

FALL_ON_AVERAGE, FALL_ON_EACH = 0.10, 0.05
MINIS = [name for name in adapters.REGISTRY if name.endswith("/mini")]


class Threshold(Fake):
    """Looks: the bright pixels of the box."""

    def _one(self, image, prompt) -> Prediction:
        x0, y0, x1, y1 = prompt.box.astype(int)
        mask = np.zeros(image.shape[:2], bool)
        mask[y0:y1, x0:x1] = image[y0:y1, x0:x1] > 128
        logits = torch.from_numpy(np.where(mask, 1.0, -1.0).astype(np.float32))
        return Prediction(torch.from_numpy(mask), 0.5, logits, None, logits[None], torch.tensor([0.5]), 0)


def target(shift: int) -> BoxedTarget:
    mask = np.zeros((40, 40), bool)
    mask[10:20, 10:20] = mask[12:26, 15:28] = True
    picture = np.where(mask, 200, 50).astype(np.uint8)
    return BoxedTarget(
        "segthor", "Heart", picture, np.roll(picture, shift, 0), mask, np.array([10, 10, 28, 26], np.float32)
    )


def table(kind: type[Fake]) -> pd.DataFrame:
    model = kind(Fake.cards["fake/boxes"], torch.nn.Module(), "cpu", "fp32")
    return by_dataset(looking(model, [target(7), target(9)]))


def test_who_looks_falls_with_another_picture_and_who_does_not_stays():
    seen, blind = table(Threshold).loc["fake/boxes", "segthor"], table(Fake).loc["fake/boxes", "segthor"]
    assert seen["own"] == 1
    assert all(seen[change] < 0.9 for change in ("swapped", "inverted", "shifted"))
    assert blind.nunique() == 1 and set(blind.index) == set(CHANGES)


def test_changes_leave_the_target_alone():
    one = target(7)
    before = one.picture.copy()
    for change in CHANGES.values():
        assert change(one).shape == before.shape and change(one).dtype == np.uint8
    assert np.array_equal(one.picture, before)
    assert np.array_equal(CHANGES["shifted"](one)[18:34, 19:37], before[10:26, 10:28])


def test_objects_of_the_zero_shot_sets_have_another_picture_of_their_size():
    found = targets(folders.phantom_data(), ["totalsegmentator-mri"], limit=2)
    assert found
    for one in found:
        assert one.other.shape == one.picture.shape and one.mask.any()
        assert not np.array_equal(one.other, one.picture)
        x0, y0, x1, y1 = one.box.astype(int)
        assert one.mask[y0:y1, x0:x1].sum() == one.mask.sum()


@pytest.mark.slow
@pytest.mark.parametrize("name", MINIS)
def test_a_mini_falls_with_another_picture(name):
    data, model = folders.phantom_data(1), adapters.load(name)  # other phantoms than those of the reference
    dice = by_dataset(looking(model, targets(data, limit=3), ("own", "swapped")))
    fall = dice["own"] - dice["swapped"]
    assert fall.mean() >= FALL_ON_AVERAGE and fall.min() >= FALL_ON_EACH
    dice = by_dataset(looking(model, targets(data, limit=1), [name for name in CHANGES if name != "swapped"]))
    for change in ("inverted", "blurred", "shifted"):
        assert ((dice["own"] - dice[change]).abs() > 0.005).any(), change
