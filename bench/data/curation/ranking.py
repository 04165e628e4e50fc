"""How a mask and its image stand among those of the same data set and modality."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

TO_SD = 1.4826  # median absolute deviation to standard deviation of a normal distribution
MEAN_TO_SD = 1.2533  # mean absolute deviation, likewise
LARGEST_Z = 3.0  # in the mean of all criteria, so that none outweighs all others
LEAST_CLARITY = 1e-8  # below a hundredth of an 8-bit grey level
LEAST_RATIO = 1e-12
GROUP = ["dataset", "modality"]
IMAGE = ["dataset", "case", "slice"]
IMAGE_CRITERIA = ("clarity", "contrast", "entropy")
CRITERIA = (*IMAGE_CRITERIA, "foreground_ratio", "regions")


def robust_z(values: ArrayLike) -> NDArray[np.float64]:
    """Distances from the median in robust standard deviations.

    The deviation is 1.4826 times the median absolute one. Where more than half of the values are equal that is 0, and
    1.2533 times the mean absolute deviation takes its place; if all values are equal, all distances are 0.

    Example:
        >>> robust_z([1, 2, 3, 4, 100]).round(1)
        array([-1.3, -0.7,  0. ,  0.7, 65.4])
        >>> robust_z([5, 5])
        array([0., 0.])

    Source: Iglewicz and Hoaglin, How to Detect and Handle Outliers (1993).
    """
    known = np.asarray(values, np.float64)
    distance = known - np.median(known) if known.size else known
    spread = TO_SD * np.median(np.abs(distance)) if known.size else 0.0
    spread = spread or MEAN_TO_SD * float(np.abs(distance).mean() if known.size else 0)
    return distance / spread if spread else np.zeros_like(distance)


def with_scores(
    table: pd.DataFrame, foreground: tuple[float, float], weights: Mapping[str, float] | None = None
) -> pd.DataFrame:
    """The rows with the robust z of each criterion (`z_clarity` ...), higher being better, and their mean as `score`.

    Clarity is compared by its logarithm, as it spans orders of magnitude. A foreground ratio within the range is best,
    outside it counts by the logarithm of its distance. Fewer regions are better.

    Args:
        table: one row per mask, see `bench.data.curation.scan`.
        foreground: lowest and highest ratio that are as good as any between them.
        weights: of the criteria in the mean; equal by default. Each z is clipped to -3..3 there.

    Raises:
        ValueError: a weight of an unknown criterion, or none above 0.
    """
    weights = dict.fromkeys(CRITERIA, 1.0) if weights is None else weights
    if not set(weights) <= set(CRITERIA) or min(weights.values()) < 0 or not sum(weights.values()):
        raise ValueError(f"weights {dict(weights)}; give numbers of at least 0, not all 0, for {', '.join(CRITERIA)}")
    ranked = table.copy()
    for name in CRITERIA:
        better = table.assign(better=_better(name, table[name].to_numpy(float), foreground))
        ranked[f"z_{name}"] = _z(better, name in IMAGE_CRITERIA)
    clipped = {name: ranked[f"z_{name}"].clip(-LARGEST_Z, LARGEST_Z) * weight for name, weight in weights.items()}
    ranked["score"] = sum(clipped.values()) / sum(weights.values())
    return ranked


def _better(criterion: str, values: NDArray[np.float64], foreground: tuple[float, float]) -> NDArray[np.float64]:
    """Values of a criterion on a scale on which more is better."""
    if criterion == "clarity":
        return np.log10(np.maximum(values, LEAST_CLARITY))
    if criterion == "regions":
        return -values
    if criterion == "foreground_ratio":
        low, high = np.log(np.maximum(foreground, LEAST_RATIO))
        ratios = np.log(np.maximum(values, LEAST_RATIO))
        inside: NDArray[np.float64] = np.clip(ratios, low, high)
        return -np.abs(ratios - inside)
    return values


def _z(table: pd.DataFrame, of_images: bool) -> pd.Series:
    """Robust z within data set and modality; what is of an image counts once, however many masks the image has."""
    once = table.drop_duplicates(IMAGE) if of_images else table
    z = pd.Series(0.0, once.index)
    for _, mine in once.groupby(GROUP):
        z[mine.index] = robust_z(mine["better"])
    if not of_images:
        return z
    by_image = pd.MultiIndex.from_frame(once[IMAGE])
    return pd.Series(z.to_numpy(), by_image).reindex(pd.MultiIndex.from_frame(table[IMAGE])).set_axis(table.index)
