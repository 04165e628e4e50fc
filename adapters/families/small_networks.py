"""The families' own network classes at a small size, for the embedded weights.

Same classes, same modules and same state-dict names as the official networks, for images of 128
instead of 1024 pixels in patches of 8: a 16 x 16 embedding, masks of 64 x 64.
MedSAM and Huang et al. are fine-tuned SAMs, so `sam()` is their network too.
"""

from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from sam2.modeling.backbones.hieradet import Hiera, PatchEmbed
from sam2.modeling.backbones.image_encoder import FpnNeck, ImageEncoder
from sam2.modeling.memory_attention import MemoryAttention, MemoryAttentionLayer
from sam2.modeling.memory_encoder import CXBlock, Fuser, MaskDownSampler, MemoryEncoder
from sam2.modeling.position_encoding import PositionEmbeddingSine
from sam2.modeling.sam.transformer import RoPEAttention
from sam2.modeling.sam.transformer import TwoWayTransformer as TwoWayTransformer2
from sam2.modeling.sam2_base import SAM2Base

from segmote.sam import ImageEncoderViT, MaskDecoder, PromptEncoder, Sam, TwoWayTransformer

IMAGE_SIZE = 128
STRIDE = 8
GRID = IMAGE_SIZE // STRIDE
WIDTH, DEPTH, HEADS, WINDOW, GLOBAL_BLOCKS = 96, 5, 4, 8, (1, 3, 4)  # of SAM's image encoder
DIM, HIDDEN, NARROWING, HEAD = 112, 80, 2, 64  # of the decoders
MASK_SIDE = 4 * GRID
TRUNK_WIDTH = 24  # of the first stage of SAM 2's
MEMORY_DEPTH, MEMORY_NARROWING, MEMORY_HIDDEN = 1, 2, 64  # of its memory attention
MEMORY = ("memory_", "mask_downsample.", "obj_ptr_proj.")  # names that only volumes need


@dataclass(frozen=True, slots=True)
class Sam2Sizes:
    """Sizes of a small SAM 2; its embedding is a sixteenth of the input's side or, with `patch_stride` 2, an eighth.

    Attributes:
        side: height and width of the input.
        patch_stride: pixels between neighbouring patches.
        dim, hidden, narrowing: of the decoder.
        stages, global_blocks: of the trunk.
    """

    side: int
    patch_stride: int
    dim: int
    hidden: int
    narrowing: int
    stages: tuple[int, ...]
    global_blocks: tuple[int, ...]


SAM2 = Sam2Sizes(IMAGE_SIZE, 2, DIM, HIDDEN, NARROWING, (1, 2, 3, 1), (4, 5))


def sam() -> Sam:
    """An untrained SAM of about 1.1 million parameters, in evaluation mode.

    Returns:
        Network for (B, 3, 128, 128) images with a (B, 112, 16, 16) embedding and (B, C, 64, 64) mask logits.
    """
    return Sam(_image_encoder(), _prompt_encoder(), _mask_decoder()).eval()


def _image_encoder() -> ImageEncoderViT:
    return ImageEncoderViT(
        img_size=IMAGE_SIZE,
        patch_size=STRIDE,
        embed_dim=WIDTH,
        depth=DEPTH,
        num_heads=HEADS,
        mlp_ratio=4,
        out_chans=DIM,
        norm_layer=partial(torch.nn.LayerNorm, eps=1e-6),
        use_rel_pos=True,
        window_size=WINDOW,
        global_attn_indexes=GLOBAL_BLOCKS,
    )


def _prompt_encoder() -> PromptEncoder:
    return PromptEncoder(
        embed_dim=DIM,
        image_embedding_size=(GRID, GRID),
        input_image_size=(IMAGE_SIZE, IMAGE_SIZE),
        mask_in_chans=16,
    )


def _mask_decoder() -> MaskDecoder:
    transformer = TwoWayTransformer(2, DIM, num_heads=HEADS, mlp_dim=HIDDEN, attention_downsample_rate=NARROWING)
    return MaskDecoder(transformer_dim=DIM, transformer=transformer, iou_head_hidden_dim=HEAD)


def sam2(sizes: Sam2Sizes = SAM2) -> SAM2Base:
    """An untrained SAM 2.1 of about 1.3 million parameters for single images, in evaluation mode.

    It has no object score, and no memory modules, which only volumes need: `with_memory` adds them. A single mask of
    low stability gives way to the best of the three candidates, as `build_sam2(apply_postprocessing=True)` sets it.

    Returns:
        Network for (B, 3, side, side) images with a (B, dim, 16, 16) embedding and (B, C, 64, 64) mask logits.
    """
    network = SAM2Base(
        image_encoder=ImageEncoder(_trunk(sizes), _neck(sizes.dim), scalp=1),
        memory_attention=None,
        memory_encoder=None,
        image_size=sizes.side,
        backbone_stride=4 * sizes.patch_stride,
        directly_add_no_mem_embed=True,
        use_high_res_features_in_sam=True,
        multimask_output_in_sam=True,
        multimask_min_pt_num=0,
        multimask_max_pt_num=1,
        iou_prediction_use_sigmoid=True,
        sam_mask_decoder_extra_args={
            "dynamic_multimask_via_stability": True,
            "dynamic_multimask_stability_delta": 0.05,
            "dynamic_multimask_stability_thresh": 0.98,
        },
    )
    decoder = network.sam_mask_decoder
    decoder.transformer = TwoWayTransformer2(
        2, sizes.dim, num_heads=HEADS, mlp_dim=sizes.hidden, attention_downsample_rate=sizes.narrowing
    )
    return network.eval()


def with_memory(network: SAM2Base) -> SAM2Base:
    """The network of `sam2` with untrained memory modules of about 0.2 million parameters, in place.

    They read the masks and object pointers of other slices as the official ones do; what the network makes of single
    images stays the same.
    """
    network.memory_attention = _memory_attention(network.hidden_dim)
    network.memory_encoder = _memory_encoder(network.hidden_dim, network.backbone_stride)
    network.mask_downsample = torch.nn.Conv2d(1, 1, kernel_size=4, stride=4)
    network.obj_ptr_proj = torch.nn.Linear(network.hidden_dim, network.hidden_dim)
    network.use_obj_ptrs_in_encoder = network.only_obj_ptrs_in_the_past_for_eval = True
    network.use_signed_tpos_enc_to_obj_ptrs = network.use_mask_input_as_output_without_sam = True
    network.multimask_output_for_tracking = True
    network.sigmoid_scale_for_mem_enc, network.sigmoid_bias_for_mem_enc = 20.0, -10.0
    return network.eval()


def without_memory(network: SAM2Base) -> SAM2Base:
    """The network for single images: its memory modules taken out, in place."""
    network.memory_attention = network.memory_encoder = None
    network.use_obj_ptrs_in_encoder = False
    network.obj_ptr_proj = torch.nn.Identity()
    del network.mask_downsample
    return network


def is_memory(key: str) -> bool:
    """Whether a name of the state dict belongs to what `with_memory` adds."""
    return key.startswith(MEMORY)


def _memory_attention(dim: int) -> MemoryAttention:
    layer = MemoryAttentionLayer(
        activation="relu",
        cross_attention=_rotary_attention(dim, rope_k_repeat=True, kv_in_dim=dim),
        d_model=dim,
        dim_feedforward=MEMORY_HIDDEN,
        dropout=0.0,
        pos_enc_at_attn=False,
        pos_enc_at_cross_attn_keys=True,
        pos_enc_at_cross_attn_queries=False,
        self_attention=_rotary_attention(dim),
    )
    return MemoryAttention(dim, pos_enc_at_input=True, layer=layer, num_layers=MEMORY_DEPTH)


def _rotary_attention(dim: int, **options: Any) -> RoPEAttention:
    return RoPEAttention(
        feat_sizes=(GRID, GRID), embedding_dim=dim, num_heads=1, downsample_rate=MEMORY_NARROWING, **options
    )


def _memory_encoder(dim: int, stride: int) -> MemoryEncoder:
    return MemoryEncoder(
        out_dim=dim,
        in_dim=dim,
        mask_downsampler=MaskDownSampler(dim, kernel_size=3, stride=2, padding=1, total_stride=stride),
        fuser=Fuser(CXBlock(dim, layer_scale_init_value=0.1), num_layers=1),
        position_encoding=PositionEmbeddingSine(num_pos_feats=dim),
    )


def _trunk(sizes: Sam2Sizes) -> Hiera:
    trunk = Hiera(
        embed_dim=TRUNK_WIDTH,
        num_heads=1,
        stages=sizes.stages,
        global_att_blocks=sizes.global_blocks,
        window_pos_embed_bkg_spatial_size=(8, 8),
        window_spec=(8, 4, 8, 8),
    )
    trunk.patch_embed = PatchEmbed(stride=(sizes.patch_stride, sizes.patch_stride), embed_dim=TRUNK_WIDTH)
    return trunk


def _neck(dim: int) -> FpnNeck:
    return FpnNeck(
        position_encoding=PositionEmbeddingSine(num_pos_feats=dim),
        d_model=dim,
        backbone_channel_list=[TRUNK_WIDTH * 2**stage for stage in (3, 2, 1, 0)],
        fpn_top_down_levels=[2, 3],
        fpn_interp_model="nearest",
    )
