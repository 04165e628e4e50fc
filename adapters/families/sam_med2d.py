"""SAM-Med2D: SAM's network for images of 256 pixels, with an adapter layer in every block of the image encoder.

Pitfalls. The image is squashed by nearest neighbour. The mask input takes probabilities, not logits. Only the three
candidates for ambiguous prompts were trained, so they are the rule, whatever the prompt. Box and points together are
accepted but were never trained. By default the channels go in as they are handed over, as in the authors' predictor;
their training and test scripts read files as B, G, R and never swap, which makes no difference for grey images.
`sam-med2d/vit_b-bgr` reverses the channels of an RGB image to what training saw. `sam-med2d/vit_b-pad` prepares images
as the authors' test.py: B, G, R, and an image smaller than the input is centred in zeros instead of squashed.
"""

from dataclasses import dataclass, replace
from functools import partial

import torch
from torch import nn

from adapters import geometry
from adapters.families import small_networks
from adapters.families.sam import SamEmbedding, SamSegmenter
from adapters.geometry import Frame
from adapters.image_attention import LeanBlock
from adapters.interface import Card, Image, Prediction, Prompt
from adapters.pinned import to_device
from adapters.precision import Precision
from adapters.published import as_published
from segmote.sam import ImageEncoderViT, MaskDecoder, PromptEncoder, Sam, TwoWayTransformer

SHRINK = 4


@dataclass(frozen=True, slots=True)
class Config:
    """Size of the network.

    Attributes:
        side: height and width of the input in pixels.
        patch: height and width of a patch in pixels.
        embed_dim, depth, heads: of the image encoder.
        window: height and width of an attention window in patches.
        global_blocks: indices of the blocks that attend to the whole image.
        width: channels of the image embedding and of the decoder.
        decoder_heads, decoder_hidden: of the decoder's transformer.
        decoder_narrowing: how many times fewer channels its attention between tokens and image has.
        decoder_head: hidden channels of the head that predicts scores.
        adapter_groups: of the channels in an adapter's convolutions; each sees those of its own group alone.
    """

    side: int = 256
    patch: int = 16
    embed_dim: int = 768
    depth: int = 12
    heads: int = 12
    window: int = 14
    global_blocks: tuple[int, ...] = (2, 5, 8, 11)
    width: int = 256
    decoder_heads: int = 8
    decoder_hidden: int = 2048
    decoder_narrowing: int = 2
    decoder_head: int = 256
    adapter_groups: int = 1

    @property
    def grid(self) -> int:
        """Height and width of the input in patches."""
        return self.side // self.patch


@dataclass(frozen=True, slots=True)
class Preparation:
    """How an image is prepared: the order of its channels, and whether a small one is padded."""

    reverse_channels: bool = False
    pad_small: bool = False


VIT_B = Config()
# The size of `small_networks.sam()`, whose weights it starts from. With ungrouped convolutions the adapters
# would outweigh all the rest.
MINI = Config(
    side=small_networks.IMAGE_SIZE,
    patch=small_networks.STRIDE,
    embed_dim=small_networks.WIDTH,
    depth=small_networks.DEPTH,
    heads=small_networks.HEADS,
    window=small_networks.WINDOW,
    global_blocks=small_networks.GLOBAL_BLOCKS,
    width=small_networks.DIM,
    decoder_heads=small_networks.HEADS,
    decoder_hidden=small_networks.HIDDEN,
    decoder_narrowing=small_networks.NARROWING,
    decoder_head=small_networks.HEAD,
    adapter_groups=8,
)
PREPARATIONS = {
    "vit_b": Preparation(),
    "vit_b-bgr": Preparation(reverse_channels=True),
    "vit_b-pad": Preparation(reverse_channels=True, pad_small=True),
    "mini": Preparation(),
}


class Adapter(nn.Module):
    """Gates the channels of a feature map, convolves it at half resolution, and adds the result."""

    def __init__(self, dim: int, groups: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(dim)
        self.channel = nn.Sequential(
            nn.Linear(dim, dim // SHRINK, bias=False),
            nn.ReLU(),
            nn.Linear(dim // SHRINK, dim, bias=False),
            nn.Sigmoid(),
        )
        self.spatial = nn.Sequential(
            nn.Conv2d(dim, dim, kernel_size=3, stride=2, padding=1, groups=groups, bias=False),
            nn.ReLU(),
            nn.ConvTranspose2d(dim, dim, kernel_size=4, stride=2, padding=1, groups=groups, bias=False),
            nn.ReLU(),
        )

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """(B, h, w, C) to (B, h, w, C); h and w even."""
        gates = self.channel(features.mean(dim=(1, 2)))[:, None, None]
        seen = self.spatial(_ready((gates * features).permute(0, 3, 1, 2)))
        return self.norm(features + seen.permute(0, 2, 3, 1))


def _ready(features: torch.Tensor) -> torch.Tensor:
    """Features (B, C, h, w) in the order of the convolutions' weights, which are far more numbers to turn round."""
    return features if as_published() else features.contiguous()


class AdapterBlock(LeanBlock):
    """SAM's transformer block with an adapter beside the MLP."""

    def __init__(self, config: Config, window: int) -> None:
        super().__init__(
            dim=config.embed_dim,
            num_heads=config.heads,
            norm_layer=partial(nn.LayerNorm, eps=1e-6),
            use_rel_pos=True,
            window_size=window,
            input_size=(config.grid, config.grid),
        )
        self.Adapter = Adapter(config.embed_dim, config.adapter_groups)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(B, h, w, C) to (B, h, w, C)."""
        x = x if as_published() else x.contiguous()
        x = x + self.attend(self.norm1(x)).to(x.dtype)
        features = self.norm2(x)
        return x + self.mlp(features).to(x.dtype) + self.Adapter(features)


def network(config: Config) -> Sam:
    """An untrained SAM-Med2D in evaluation mode; state-dict names and shapes are the official ones.

    Returns:
        A network for (B, 3, side, side) images. Its embedding is (B, width, grid, grid), its logits are
        (B, C, 4 grid, 4 grid).
    """
    return Sam(_image_encoder(config), _prompt_encoder(config), _mask_decoder(config)).eval()


def _image_encoder(config: Config) -> ImageEncoderViT:
    encoder = ImageEncoderViT(
        img_size=config.side,
        patch_size=config.patch,
        embed_dim=config.embed_dim,
        depth=0,
        out_chans=config.width,
    )
    windows = [0 if block in config.global_blocks else config.window for block in range(config.depth)]
    encoder.blocks.extend(AdapterBlock(config, window) for window in windows)
    return encoder


def _prompt_encoder(config: Config) -> PromptEncoder:
    return PromptEncoder(
        embed_dim=config.width,
        image_embedding_size=(config.grid, config.grid),
        input_image_size=(config.side, config.side),
        mask_in_chans=16,
    )


def _mask_decoder(config: Config) -> MaskDecoder:
    transformer = TwoWayTransformer(
        depth=2,
        embedding_dim=config.width,
        num_heads=config.decoder_heads,
        mlp_dim=config.decoder_hidden,
        attention_downsample_rate=config.decoder_narrowing,
    )
    return MaskDecoder(transformer_dim=config.width, transformer=transformer, iou_head_hidden_dim=config.decoder_head)


class SamMed2dSegmenter(SamSegmenter):
    """SAM-Med2D behind the `Segmenter` interface."""

    @staticmethod
    def build(variant: str) -> Sam:
        """The untrained network of a variant, in evaluation mode."""
        return network(MINI if variant == "mini" else VIT_B)

    def __init__(self, card: Card, network: Sam, device: torch.device, precision: Precision) -> None:
        super().__init__(card, network, device, precision)
        self.preparation = PREPARATIONS[card.name.partition("/")[2]]

    def prepare(self, image: Image) -> tuple[torch.Tensor, Frame]:
        """The network's input (3, side, side) of an (H, W, 3) uint8 image, and where the image lies in it."""
        frame = self._frame(image)
        # Nearest neighbour before the colours, not after as the authors do: the same values, fewer of them.
        resized = to_device(torch.from_numpy(geometry.resize_nearest_cv2(image, frame.content)), self.device)
        pixels = resized.flip(2) if self.preparation.reverse_channels else resized
        standard = (pixels.permute(2, 0, 1) - self.network.pixel_mean) / self.network.pixel_std
        return geometry.place(standard, frame), frame

    def _frame(self, image: Image) -> Frame:
        size = image.shape[:2]
        if self.preparation.pad_small and max(size) < self.side:
            return geometry.centre(size, self.side)
        return geometry.squash(size, self.side)

    def proposes_several(self, prompt: Prompt) -> bool:
        """Always: the single mask was never trained."""
        return True

    def _prediction(self, image: SamEmbedding, logits: torch.Tensor, scores: torch.Tensor) -> Prediction:
        prediction = super()._prediction(image, logits, scores)
        return replace(prediction, feedback=prediction.logits[None].sigmoid())
