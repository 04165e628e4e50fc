import pytest

from bench import world

pytestmark = pytest.mark.usefixtures("registered")


@pytest.mark.parametrize(
    ("models", "where", "random", "text"),
    [
        (("baseline/box", "fake/good"), "real", False, "Baselines without weights on real data."),
        (("baseline/box", "sam/mini"), "phantom", False, "Mini weights on phantom data: the numbers say nothing"),
        (("sam/vit_b",), "real", False, "Official weights on real data."),
        (("sam/vit_b",), "real", True, "RANDOM, untrained weights on real data: the numbers mean nothing."),
    ],
)
def test_the_sentence_says_which_weights_on_which_data(models, where, random, text):
    assert world.text(models, where, random).startswith(text)
