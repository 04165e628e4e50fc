"""The modules of Segment Anything as published, without what its package loads beside them.

Importing the package itself also imports its predictor, and with it torchvision and the compiler of torch: more than a
second and 150 MiB in every process, which no network here needs. All of this project takes the modules from here.
"""

import sys
from importlib.util import find_spec, module_from_spec
from types import ModuleType
from typing import Any

PACKAGE = "segment_anything"


class _Deferred(ModuleType):
    """A package whose `__init__` runs once something is asked of it that its modules do not give."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        self.__class__ = ModuleType  # type: ignore[assignment]
        self.__spec__.loader.exec_module(self)  # type: ignore[union-attr]
        return getattr(self, name)


if PACKAGE not in sys.modules and (_spec := find_spec(PACKAGE)) is not None:
    sys.modules[PACKAGE] = module_from_spec(_spec)
    sys.modules[PACKAGE].__class__ = _Deferred

from segment_anything.build_sam import sam_model_registry  # noqa: E402
from segment_anything.modeling import (  # noqa: E402
    ImageEncoderViT,
    MaskDecoder,
    PromptEncoder,
    Sam,
    TwoWayTransformer,
)
from segment_anything.modeling.common import LayerNorm2d, MLPBlock  # noqa: E402
from segment_anything.modeling.image_encoder import Attention as EncoderAttention  # noqa: E402
from segment_anything.modeling.image_encoder import (  # noqa: E402
    Block,
    get_rel_pos,
    window_partition,
    window_unpartition,
)
from segment_anything.modeling.mask_decoder import MLP  # noqa: E402
from segment_anything.modeling.transformer import Attention  # noqa: E402

__all__ = [
    "MLP",
    "Attention",
    "Block",
    "EncoderAttention",
    "ImageEncoderViT",
    "LayerNorm2d",
    "MLPBlock",
    "MaskDecoder",
    "PromptEncoder",
    "Sam",
    "TwoWayTransformer",
    "get_rel_pos",
    "sam_model_registry",
    "window_partition",
    "window_unpartition",
]
