"""SegMoTE, the network: figure 2 and section 3.

    image ──► frozen SAM encoder ──► embedding ───────┬──────────► mask decoder with MoTE ──► mask
                     │                                ▼                 ▲    ▲
                     │ early grid                    PPT ── tokens ─────┘    │
                     │               boxes, clicks, text ── tokens ──────────┤
                     └──────────────────────────────────── details ──────────┘

Where to find each part of the paper, here in `segmote.network`: equations 1 to 5 in `router`, equation 6 in `experts`,
PPT (section 3.4) in `prompt_tokens`, the decoder (section 3.2) in `expert_decoder`. In `segmote.training`: equations 7
to 10 in `losses`, equation 11 in `step`. How the network is trained (section 4) is `segmote.recipe`.

The image encoder, the prompt encoder and the text branch are those of IMIS-Net (`segmote.imis`), on which SegMoTE is
built. Wherever the paper and the released code differ, `segmote.network.config` has a field.

Source: Lu et al., SegMoTE; InMyDreammer/SegMoTE at 77668f0, its router at ba6e178.
"""

from pathlib import Path

from torch import Tensor

from segmote.imis.network import Imis, ImisConfig
from segmote.network.config import SegmoteConfig
from segmote.network.expert_decoder import ExpertMaskDecoder, ExpertMasks


class Segmote(Imis):
    """The network; its parts and names are those of the official weights.

    Attributes:
        config: its sizes and rules.
    """

    config: SegmoteConfig
    mask_decoder: ExpertMaskDecoder

    def __init__(self, config: SegmoteConfig, vocabulary: Path) -> None:
        super().__init__(config, vocabulary)

    @staticmethod
    def decoder_of(config: ImisConfig) -> ExpertMaskDecoder:
        """The mask decoder with MoTE."""
        assert isinstance(config, SegmoteConfig)
        return ExpertMaskDecoder(config)

    def encode(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Embeddings (B, dim, h, w) and early grids (B, encoder's width, h, w) of images (B, 3, side, side)."""
        grids = self.image_encoder.sam_encoder(images)
        return self.image_encoder.embed(grids[-1]), grids[0].permute(0, 3, 1, 2)

    def details(self, embeddings: Tensor, early: Tensor) -> Tensor:
        """What the expert features (B, dim / 8, 4h, 4w) take from the image alone, of what `encode` gives."""
        return self.mask_decoder.details(embeddings, early)

    def decode(
        self,
        embeddings: Tensor,
        points: tuple[Tensor, Tensor] | None = None,
        boxes: Tensor | None = None,
        masks: Tensor | None = None,
        pooled: Tensor | None = None,
        *,
        details: Tensor | None = None,
        rows: int = 1,
        ppt: bool = False,
        noise: Tensor | bool | None = None,
        mote: bool = True,
    ) -> ExpertMasks:
        """All masks of B prompts, each on its own image.

        Args:
            embeddings: (B, dim, h, w) of the images, or (1, dim, h, w) for all.
            points: (B, P, 2) coordinates in pixels of the input and (B, P) labels, 1 foreground, 0 background.
            boxes: (B, 4) x0, y0, x1, y1, likewise.
            masks: (B, 1, 4h, 4w) logits of the round before.
            pooled: (B, text width) sentences as `text_model` gives them.
            details: (B, dim / 8, 4h, 4w) of the images, or (1, ...) for all.
            rows: B, where neither embeddings nor prompts tell.
            ppt: True lets PPT make prompt tokens of the image; then there need be no prompt at all.
            noise: for the routers, see `ExpertMaskDecoder.forward`: by default in training mode only.
            mote: False leaves out MoTE, as the released training does for its pseudo masks.

        Raises:
            ValueError: no PPT in this network, or no details.
        """
        text = None if pooled is None else self.text_out_dim(pooled)
        sparse, dense = self.prompt_encoder(points, boxes, masks, text)
        if ppt:
            sparse = self.mask_decoder.prompt_tokens(embeddings, sparse)
        positions = self.prompt_encoder.get_dense_pe()
        sparse = sparse.expand(max(len(embeddings), len(sparse), rows), -1, -1)
        if masks is None:  # then it is the same for all prompts
            dense = dense[:1]
        return self.mask_decoder(embeddings, positions, sparse, dense, text, details, noise, mote)
