"""The objects of a proof: those of a few phantoms, evenly spread over the data sets."""

from pathlib import Path

import numpy as np

from bench.studies.looking import BoxedTarget, targets


def spread(data: Path, pictures: int) -> list[BoxedTarget]:
    """The objects of so many pictures, those of a picture one after the other.

    Args:
        data: the folder of the phantoms.
        pictures: how many, at most those that there are.
    """
    found = targets(data)
    keys = list(dict.fromkeys(id(target.picture) for target in found))
    chosen = {keys[place] for place in np.linspace(0, len(keys) - 1, min(pictures, len(keys))).astype(int)}
    return [target for target in found if id(target.picture) in chosen]
