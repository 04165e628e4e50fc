"""The text tower."""

import torch

from segmote.imis.text import TextConfig, TextTower

CONFIG = TextConfig(vocabulary=64, width=16, depth=1, heads=2, positions=8)
START, END = CONFIG.vocabulary - 2, CONFIG.vocabulary - 1


def tower():
    torch.manual_seed(0)
    return TextTower(CONFIG).eval()


def test_what_follows_the_end_of_a_sentence_has_no_influence():
    sentences = torch.tensor([[START, 5, END, END, END], [START, 5, END, 7, 9]])
    with torch.no_grad():
        vectors = tower()(sentences)
    assert vectors.shape == (2, CONFIG.width)
    torch.testing.assert_close(*vectors)


def test_other_words_and_another_order_make_other_vectors():
    with torch.no_grad():
        one, word, order = tower()(torch.tensor([[START, 5, 6, END], [START, 5, 7, END], [START, 6, 5, END]]))
    assert not torch.allclose(one, word) and not torch.allclose(one, order)
