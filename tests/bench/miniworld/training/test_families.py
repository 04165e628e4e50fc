"""Pictures are prepared in training as in use."""

import numpy as np
import pytest
import torch

from adapters import card
from adapters.families import huang, imis, medsam, sam, sam2, sam_med2d
from bench.miniworld.training.families import FAMILIES

ADAPTERS = {
    "sam": sam.SamSegmenter,
    "sam2": sam2.Sam2Segmenter,
    "medsam": medsam.MedSamSegmenter,
    "huang": huang.HuangSegmenter,
    "sam-med2d": sam_med2d.SamMed2dSegmenter,
    "imis": imis.ImisSegmenter,
}


@pytest.mark.parametrize("family", FAMILIES)
def test_pictures_are_prepared_as_the_adapter_does(family):
    rng = np.random.default_rng(0)
    image = rng.integers(0, 200, (16, 16, 1), np.uint8).repeat(8, 0).repeat(8, 1).repeat(3, 2)
    image[:32] = 0
    model = ADAPTERS[family](card(f"{family}/mini"), FAMILIES[family].build(), torch.device("cpu"), "fp32")
    expected, _ = model.prepare(image)
    found = FAMILIES[family].prepare(torch.from_numpy(image).permute(2, 0, 1)[None].float() / 255)
    torch.testing.assert_close(found[0], expected, atol=0.03, rtol=0)


def test_stages_learn_what_is_there():
    for family in FAMILIES.values():
        names = [name for name, _ in family.build().named_parameters()]
        for stage in family.stages:
            assert all(any(name.startswith(prefix) for name in names) for prefix in stage.learns)
            assert sum(stage.first.values()) == pytest.approx(1)
