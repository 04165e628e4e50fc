"""Names of classes as IMIS-Net is told them, with gradients for its text tower."""

import torch
from torch import Tensor

from bench.miniworld.training.pools import NAMES
from segmote.imis.network import Imis
from segmote.imis.vocabulary import Vocabulary, sentence


class Names:
    """The sentences of all classes of the training world.

    Args:
        network: names its vocabulary and its sizes.
        device: of the tokens.
    """

    def __init__(self, network: Imis, device: torch.device) -> None:
        sizes = network.config.text
        vocabulary = Vocabulary(network.vocabulary, sizes.vocabulary)
        sentences = [sentence(name or "object") for name in NAMES]
        self.tokens = vocabulary.encode(sentences, sizes.positions).to(device)

    def vectors(self, network: Imis, names: Tensor) -> Tensor:
        """(M, width) of classes (M,) as indices into `NAMES`.

        Raises:
            ValueError: the network has no text tower.
        """
        if network.text_model is None:
            raise ValueError("names cannot be learned without a text tower; build the network with one")
        asked, place = names.unique(return_inverse=True)
        return network.text_model(self.tokens[asked])[place]
