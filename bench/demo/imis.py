"""IMIS-Net as training needs it, and how its mini starts from SAM's."""

from collections.abc import Sequence
from pathlib import Path

from torch import Tensor

from adapters.checkpoint import State, fill
from bench.demo.networks import Features, Prompts, embed, propose
from segmote.imis import Imis
from segmote.vocabulary import Vocabulary, sentence

# SAM's names of the encoder to IMIS-Net's. The neck keeps its own: it lies beside timm's encoder, not in it.
NECK = "image_encoder.neck."
ENCODER = {"image_encoder.": "image_encoder.sam_encoder.", ".mlp.lin1.": ".mlp.fc1.", ".mlp.lin2.": ".mlp.fc2."}


def inherit(network: Imis, sam: Path) -> None:
    """Encoder, neck, prompt encoder and decoder of a mini SAM; text and semantic parts stay as they are.

    The original took over SAM's encoder alone, as its decoder is wider than SAM's; here they are of one width, and
    starting from SAM's decoder spares most of the training.

    Raises:
        ValueError: the file is no mini SAM.
    """

    def fitted(state: State) -> State:
        return network.state_dict() | {renamed(key): value for key, value in state.items()}

    fill(network, sam, fitted)


def renamed(key: str) -> str:
    """IMIS-Net's name for one of SAM's tensors.

    >>> renamed("image_encoder.blocks.0.mlp.lin1.bias")
    'image_encoder.sam_encoder.blocks.0.mlp.fc1.bias'
    """
    if not key.startswith("image_encoder.") or key.startswith(NECK):
        return key
    for old, new in ENCODER.items():
        key = key.replace(old, new)
    return key


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
