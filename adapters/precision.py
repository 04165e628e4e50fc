"""Reduced precision for the image encoder, which takes nearly all of the time.

Prompts and masks stay in float32, because coordinates in bfloat16 would be off by several pixels.
"""

from contextlib import AbstractContextManager
from typing import Literal, get_args

import torch

Precision = Literal["fp32", "bf16", "fp16"]
DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}


def check_precision(precision: str) -> None:
    """Refuse an unknown precision.

    Raises:
        ValueError: it is none of fp32, bf16, fp16.
    """
    if precision not in get_args(Precision):
        raise ValueError(f"precision must be one of {', '.join(get_args(Precision))}, got {precision!r}")


def use_whole_float32() -> None:
    """Let GPUs compute float32 as such in products and in convolutions, which PyTorch would round to TF32's 10 bits."""
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False


def autocast(device: torch.device, precision: Precision) -> AbstractContextManager[None]:
    """A context that computes in `precision`; fp32 also switches off a surrounding autocast."""
    enabled = precision != "fp32"
    return torch.autocast(device.type, dtype=DTYPES[precision] if enabled else None, enabled=enabled)
