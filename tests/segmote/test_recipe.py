"""How SegMoTE is trained."""

from dataclasses import replace

import pytest

from segmote.recipe import PAPER_RECIPE, RELEASED_RECIPE, rate


def test_the_papers_rate_is_halved_after_its_milestones():
    assert [rate(PAPER_RECIPE, epoch) for epoch in (0, 6, 7, 11, 12, 99)] == pytest.approx(
        [1e-4, 1e-4, 5e-5, 5e-5, 2.5e-5, 2.5e-5]
    )


def test_the_released_rate_warms_up_over_five_epochs():
    assert [rate(RELEASED_RECIPE, epoch) for epoch in (0, 5, 50)] == pytest.approx([1e-5, 1e-4, 1e-4])


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"epochs": 0}, "epochs must be at least 1, got 0"),
        ({"batch": -1}, "batch must be at least 1, got -1"),
        ({"rate": 0.0}, "rate must be positive, got 0.0"),
        ({"variants": -1}, r"variants must be 0 \(no augmentation\) or more, got -1"),
    ],
)
def test_settings_without_meaning_are_refused(change, text):
    with pytest.raises(ValueError, match=text):
        replace(PAPER_RECIPE, **change)
