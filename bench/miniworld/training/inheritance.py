"""How MedSAM's and SAM-Med2D's minis start from SAM's, whose networks they change."""

from pathlib import Path

import torch
from segment_anything.modeling import Sam

from adapters.weights.checkpoint import State, fill


def unit_range(network: Sam, sam: Path) -> None:
    """The mini SAM, made to see images in 0..1 as it saw standardised ones.

    MedSAM hands its network values in 0..1 where SAM's were standardised. The original had millions of images to learn
    that; here the patch embedding, which is linear, takes over the standardisation of a picture that spans 0..255.

    Raises:
        ValueError: the file is no mini SAM.
    """
    fill(network, sam)
    first = network.image_encoder.patch_embed.proj
    mean, std = network.pixel_mean.flatten(), network.pixel_std.flatten()
    with torch.no_grad():
        first.bias.sub_((first.weight * (mean / std)[None, :, None, None]).sum((1, 2, 3)))
        first.weight.mul_((255 / std)[None, :, None, None])


def quiet_adapters(network: Sam, sam: Path) -> None:
    """The mini SAM, and adapters that add nothing yet.

    Raises:
        ValueError: the file is no mini SAM.
    """

    def fitted(state: State) -> State:
        return network.state_dict() | state

    fill(network, sam, fitted)
    for block in network.image_encoder.blocks:
        torch.nn.init.zeros_(block.Adapter.norm.weight)
