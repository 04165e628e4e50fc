"""A training sample."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class TrainingSample:
    """A picture with its objects.

    Attributes:
        image: (H, W) or (H, W, 3) uint8.
        masks: class or object name to (H, W) bool; only masks with foreground, at least one.
        modality: "CT", "T1", "T2", "FLAIR", "X-ray", "dermoscopy", "ultrasound" or "shapes".
    """

    image: NDArray[np.uint8]
    masks: dict[str, NDArray[np.bool_]]
    modality: str
