"""IMIS-Net's table of categories, read from its official pickle without executing any code in it."""

import json
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import torch

from adapters.weights.checkpoint import first_line

Table = tuple[dict[str, torch.Tensor], dict[str, str]]

# What an array of numbers needs, under the names of numpy 1 and 2.
HARMLESS = {
    ("numpy", "dtype"),
    ("numpy", "ndarray"),
    ("numpy.core.multiarray", "_reconstruct"),
    ("numpy._core.multiarray", "_reconstruct"),
}
PARTS = ("categories_map", "index_of_category", "category_of_index")


class _ArraysOnly(pickle.Unpickler):
    """Builds plain Python values and numpy arrays, and refuses to import anything else."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in HARMLESS:
            raise pickle.UnpicklingError(f"it names {module}.{name}")
        return super().find_class(module, name)


def read_categories(path: Path) -> Table:
    """The category vectors, and the three tables of names as JSON.

    Args:
        path: `categories_weight.pkl`: a list of the (D, K) float32 vectors, the class keys with their display and
            training names, and the two maps between category and index.

    Returns:
        {"weights": (D, K)}, and texts by the names of `PARTS`.

    Raises:
        ValueError: the file names anything except arrays, is damaged, or holds something else.
    """
    try:
        with path.open("rb") as file:
            content = _ArraysOnly(file).load()
    except Exception as error:  # whatever unpickling raises on changed bytes
        raise ValueError(f"{path} is refused: it is damaged or no table of categories ({first_line(error)})") from error
    if not isinstance(content, list) or len(content) != 1 + len(PARTS) or not _is_matrix(content[0]):
        raise ValueError(f"{path} is not a table of categories: expected a list of one matrix and three dictionaries")
    texts = {name: json.dumps(part) for name, part in zip(PARTS, content[1:], strict=True)}
    return {"weights": torch.from_numpy(np.ascontiguousarray(content[0], np.float32))}, texts


def _is_matrix(value: object) -> bool:
    return isinstance(value, np.ndarray) and value.ndim == 2 and value.dtype.kind == "f"
