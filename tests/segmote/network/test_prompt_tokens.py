"""The tokens that stand in for a prompt: their size, and that they know where they look."""

import torch

from segmote.network.prompt_tokens import PromptTokenizer
from tests.helpers.networks import count


def test_the_size_of_ppt_is_the_specified_one() -> None:
    assert count(PromptTokenizer(256, 8, 2)) == 791_040 == 12 * 256**2 + 16 * 256 + 2 * 256


def test_ppt_knows_x_from_y() -> None:
    torch.manual_seed(0)
    tokenizer = PromptTokenizer(8, 2, 2)
    embeddings = torch.randn(1, 8, 3, 5)
    with torch.no_grad():
        made = tokenizer(embeddings)
        features = tokenizer.ln_in(embeddings.permute(0, 2, 3, 1))
        for row in range(3):
            for column in range(5):
                place = torch.tensor([2 * column / 4 - 1, 2 * row / 2 - 1])
                features[0, row, column] += tokenizer.pos_proj(place)
        features = features.reshape(1, 15, 8)
        seen, _ = tokenizer.attn(tokenizer.query[None], features, features)
        torch.testing.assert_close(made, tokenizer.ln_out(seen + tokenizer.mlp(seen)))
