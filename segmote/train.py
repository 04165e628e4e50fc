"""The training of SegMoTE: frozen encoder, embeddings computed once, MoTE and PPT learning (section 4.1)."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from segmote.model import Segmote
from segmote.train_config import TrainConfig

Dice = Mapping[str, Mapping[str, float]]


@dataclass(frozen=True, slots=True)
class Trained:
    """What a training leaves.

    Attributes:
        weights: safetensors file of the whole network; its metadata has the network's configuration.
        dice: after the last epoch, on the held-out patients: data set -> "box", "click" or "auto" -> mean Dice of all
            masks on the grid of the network's input. "auto" stands for no prompt, on the sets that PPT serves.
        epochs: CSV file, a line an epoch: losses, shares of the experts, norm of the routers' gradient, Dice.
        steps: CSV file, a line a step of the optimiser.
    """

    weights: Path
    dice: Dice
    epochs: Path
    steps: Path


def train(network: Segmote, config: TrainConfig) -> Trained:
    """Train a network that has its base's weights (`adapters.segmote.from_base`); changed in place on one device.

    Raises:
        ValueError: a router that cannot learn ("topk_softmax" with one expert a token), no usable data, a folder that
            holds a training with other settings, or a loss that is no number.
    """
    raise NotImplementedError
