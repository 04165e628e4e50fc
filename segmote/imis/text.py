"""CLIP's text tower (that of ViT-B/32), as `transformers` has it.

Source: Radford et al., Learning transferable visual models from natural language supervision, ICML 2021; names of the
weights as in transformers 4, which the official files follow.
"""

from dataclasses import dataclass

from torch import Tensor, nn


@dataclass(frozen=True, slots=True)
class TextConfig:
    """Sizes of the text tower; the defaults are CLIP's.

    Attributes:
        vocabulary: number of token ids; the last but one starts a sentence, the last ends it.
        width, depth, heads: of the layers.
        positions: longest sentence in tokens.
    """

    vocabulary: int = 49408
    width: int = 512
    depth: int = 12
    heads: int = 8
    positions: int = 77


class TextTower(nn.Module):
    """A causal transformer whose state at the sentence's end stands for the sentence."""

    def __init__(self, config: TextConfig) -> None:
        super().__init__()
        # Importing transformers takes seconds, which only a network with a text tower should pay.
        from transformers import CLIPTextConfig, CLIPTextModel  # noqa: PLC0415

        sizes = CLIPTextConfig(
            vocab_size=config.vocabulary,
            hidden_size=config.width,
            intermediate_size=4 * config.width,
            projection_dim=config.width,
            num_hidden_layers=config.depth,
            num_attention_heads=config.heads,
            max_position_embeddings=config.positions,
            bos_token_id=config.vocabulary - 2,
            eos_token_id=config.vocabulary - 1,
            pad_token_id=config.vocabulary - 1,
        )
        model = CLIPTextModel(sizes)
        # The official names have "text_model" twice, as transformers 4 did; transformers 5 dropped the inner one.
        self.text_model = getattr(model, "text_model", model)

    def forward(self, ids: Tensor) -> Tensor:
        """Vectors (B, width) of sentences (B, T): the last state at each one's first end id.

        What follows that id has no influence, so padding needs no mask.
        """
        return self.text_model(input_ids=ids).pooler_output
