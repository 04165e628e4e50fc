"""Ranges of intensities that cannot be those of the modality."""

from typing import Any

from numpy.typing import NDArray

from bench.data import mapped

AIR_TO_FAT_HU = (-1100, 0)  # every CT of a body holds fat or air
LEAST_SHARE = 1e-3
MOST_BELOW = 0.01  # share of voxels below air; the lowest value may fill what lies outside of the reconstruction
MOST_NEGATIVE = -0.5  # of the largest value of an MR; small negative ones come from interpolation


def odd_intensities(voxels: NDArray[Any], modality: str) -> tuple[str, ...]:
    """A warning with numbers if the values of a volume cannot be what its modality means.

    Args:
        voxels: finite, of any shape.
        modality: "CT" means Hounsfield units, "MR" magnitudes; nothing is known of others.
    """
    low, high = map(float, mapped.limits(voxels))
    if low == high:
        return ()
    if modality == "CT":
        below = mapped.count(voxels, lambda part: (part < AIR_TO_FAT_HU[0]) & (part > low))
        if below > MOST_BELOW * voxels.size:
            share = below / voxels.size
            return (
                f"CT voxels run from {low:g} to {high:g}, {share:.2%} of them below {AIR_TO_FAT_HU[0]} apart from the "
                "lowest value: hardly Hounsfield units (air -1000); is the rescale slope wrong?",
            )
        inside = mapped.count(voxels, lambda part: (part >= AIR_TO_FAT_HU[0]) & (part < AIR_TO_FAT_HU[1]))
        if inside >= LEAST_SHARE * voxels.size and high - low > 20:
            return ()
        share = inside / voxels.size
        return (
            f"CT voxels run from {low:g} to {high:g}, {share:.2%} of them within {AIR_TO_FAT_HU[0]}..-1: hardly "
            "Hounsfield units (air -1000, fat -100); was the rescale intercept or slope lost?",
        )
    if modality == "MR" and low < MOST_NEGATIVE * max(high, 0.0):
        return (f"MR voxels run from {low:g} to {high:g}: hardly magnitudes; is it a CT?",)
    return ()
