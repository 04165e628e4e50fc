"""What would make the processor wait for a GPU, counted on a CPU."""

from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode

BY_VALUE = ("aten::nonzero", "aten::_local_scalar_dense", "aten::item")


class Waits(TorchDispatchMode):
    """Counts operations whose result's size or value is needed at once: numbers taken one by one, indices by a mask."""

    found = 0

    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name = function._schema.name
        parts = [part for given in args if isinstance(given, (list, tuple)) for part in given]
        by_mask = "index" in name and any(isinstance(p, torch.Tensor) and p.dtype == torch.bool for p in parts)
        self.found += by_mask or name in BY_VALUE
        return function(*args, **(kwargs or {}))
