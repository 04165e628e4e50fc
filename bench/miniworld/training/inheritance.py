"""How the minis of other families start from SAM's."""

from pathlib import Path

import torch

from adapters.weights.checkpoint import State, fill
from segmote.imis.network import Imis
from segmote.network.official_names import name_of_sams
from segmote.sam import Sam


def from_sam(network: Sam, sam: Path) -> None:
    """The mini SAM as it is.

    Raises:
        ValueError: the file is no mini SAM; so too below.
    """
    fill(network, sam)


def unit_range(network: Sam, sam: Path) -> None:
    """The mini SAM, made to see images in 0..1 as it saw standardised ones, for MedSAM.

    The original had millions of images to learn that; here the patch embedding, which is linear, takes over the
    standardisation of a picture that spans 0..255.
    """
    fill(network, sam)
    first = network.image_encoder.patch_embed.proj
    mean, std = network.pixel_mean.flatten(), network.pixel_std.flatten()
    with torch.no_grad():
        first.bias.sub_((first.weight * (mean / std)[None, :, None, None]).sum((1, 2, 3)))
        first.weight.mul_((255 / std)[None, :, None, None])


def quiet_adapters(network: Sam, sam: Path) -> None:
    """The mini SAM, and adapters that add nothing yet, for SAM-Med2D."""

    def fitted(state: State) -> State:
        return network.state_dict() | state

    fill(network, sam, fitted)
    for block in network.image_encoder.blocks:
        torch.nn.init.zeros_(block.Adapter.norm.weight)


def imis_from_sam(network: Imis, sam: Path) -> None:
    """Encoder, neck, prompt encoder and decoder of a mini SAM; text and semantic parts stay as they are.

    The original took over SAM's encoder alone, as its decoder is wider than SAM's; here they are of one width, and
    starting from SAM's decoder spares most of the training.
    """

    def fitted(state: State) -> State:
        return network.state_dict() | {name_of_sams(key): value for key, value in state.items()}

    fill(network, sam, fitted)
