"""IMIS-Net as training needs it, and how its mini starts from SAM's."""

from collections.abc import Sequence
from pathlib import Path

from torch import Tensor

from adapters.weights.checkpoint import State, fill
from bench.miniworld.training.networks import Features, Prompts, embed, propose
from segmote.imis.network import Imis
from segmote.imis.vocabulary import Vocabulary, sentence
from segmote.network.official_names import name_of_sams


def inherit(network: Imis, sam: Path) -> None:
    """Encoder, neck, prompt encoder and decoder of a mini SAM; text and semantic parts stay as they are.

    The original took over SAM's encoder alone, as its decoder is wider than SAM's; here they are of one width, and
    starting from SAM's decoder spares most of the training.

    Raises:
        ValueError: the file is no mini SAM.
    """

    def fitted(state: State) -> State:
        return network.state_dict() | {name_of_sams(key): value for key, value in state.items()}

    fill(network, sam, fitted)


def told(network: Imis, names: Sequence[str]) -> Tensor:
    """Class names as vectors (B, width) of the text tower, with gradients.

    Raises:
        ValueError: the network has no text tower.
    """
    if network.text_model is None:
        raise ValueError("text prompts cannot be trained without a text tower; build the network with one")
    sizes = network.config.text
    vocabulary = Vocabulary(network.vocabulary, sizes.vocabulary)
    ids = vocabulary.encode([sentence(name) for name in names], sizes.positions)
    return network.text_model(ids)


@embed.register
def _(network: Imis, images: Tensor) -> Features:
    return [network.image_encoder(images)]


@propose.register
def _(network: Imis, features: Features, owner: Tensor, prompts: Prompts) -> tuple[Tensor, Tensor]:
    points = (prompts.xy, prompts.labels) if prompts.xy.shape[1] else None
    drawn = network.decode(features[-1][owner], points, prompts.boxes, prompts.masks, prompts.text)
    return drawn.logits, drawn.scores
