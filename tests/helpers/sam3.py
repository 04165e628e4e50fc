"""SAM 3's own classes, cut to two layers: inputs of 112 pixels, an embedding of 8 x 8, masks of 32 x 32."""

from typing import Any

import pytest

SIDE = 112
DIM = 32
BACKBONE = {
    "model_type": "sam3_vit_model",
    "hidden_size": DIM,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "image_size": SIDE,
    "window_size": 4,
    "global_attn_indexes": [1],
    "pretrain_image_size": SIDE // 2,
}
VISION = {
    "model_type": "sam3_vision_model",
    "backbone_config": BACKBONE,
    "fpn_hidden_size": DIM,
    "backbone_feature_sizes": [[32, 32], [16, 16], [8, 8]],
}
TRACKER = {
    "vision_config": VISION,
    "prompt_encoder_config": {"hidden_size": DIM, "image_size": SIDE},
    "mask_decoder_config": {"hidden_size": DIM, "mlp_dim": 64, "iou_head_hidden_dim": DIM},
}
SMALL = {"hidden_size": DIM, "intermediate_size": 64, "num_layers": 1, "num_attention_heads": 2}
DETECTOR = {
    "model_type": "sam3",
    "vision_config": VISION,
    "text_config": {
        "model_type": "clip_text_model",
        "vocab_size": 64,
        "hidden_size": DIM,
        "intermediate_size": 64,
        "projection_dim": DIM,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
    },
    "geometry_encoder_config": SMALL,
    "detr_encoder_config": SMALL,
    "detr_decoder_config": SMALL,
    "mask_decoder_config": {"hidden_size": DIM, "num_attention_heads": 2},
}
MEMORY = {
    "memory_attention_hidden_size": DIM,
    "memory_attention_num_layers": 1,
    "memory_attention_feed_forward_hidden_size": 64,
    "memory_encoder_hidden_size": DIM,
    "memory_encoder_output_channels": 16,
    "mask_downsampler_embed_dim": DIM,
    "memory_fuser_embed_dim": DIM,
    "memory_fuser_intermediate_dim": 64,
}


def transformers_with_sam3() -> Any:
    return pytest.importorskip("transformers", minversion="5", reason="needs pip install 'segmote-bench[sam3]'")


def small_sam3() -> Any:
    transformers = transformers_with_sam3()
    return transformers.Sam3TrackerModel(transformers.Sam3TrackerConfig(**TRACKER)).eval()


def small_sam3_video() -> Any:
    """Detector, tracker and memory, as the published file holds them."""
    transformers = transformers_with_sam3()
    tracker = {"model_type": "sam3_tracker_video", "image_size": SIDE, **TRACKER, **MEMORY}
    return transformers.Sam3VideoModel(transformers.Sam3VideoConfig(detector_config=DETECTOR, tracker_config=tracker))
