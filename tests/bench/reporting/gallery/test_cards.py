import numpy as np

from bench.reporting.gallery import cards, outlines
from tests.helpers.gallery import looked_at


def test_cards_store_an_image_once_and_stay_within_their_room(folder):
    shown, _ = looked_at(folder)
    made = cards.gallery(shown)
    assert len(made.cards) == len(shown) > len(made.images) == 11
    assert made.images[0].address.startswith("data:image/webp;base64,")
    assert (made.images[0].width, made.images[0].height) == (20, 16)
    small = cards.gallery(shown, most_bytes=100)
    assert small.left_out and small.left_out + len(small.cards) == len(shown)


def test_paths_of_prompts():
    assert cards.prompt_path(outlines.DrawnPrompt(box=(1, 2, 3, 4)), 1) == "M1 2H3V4H1Z"
    plus = cards.prompt_path(outlines.DrawnPrompt(clicks=((5, 6, 1),)), 1)
    cross = cards.prompt_path(outlines.DrawnPrompt(clicks=((5, 6, 0),)), 1)
    assert plus == "M4.00 6H6.00M5 5.00V7.00" and "L6.00 7.00" in cross
    assert cards.path([np.array([[0, 0], [1, 0], [1, 1], [0, 0]], float)]) == "M0 0L1 0L1 1Z"
