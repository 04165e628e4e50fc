import numpy as np
import pytest

from bench.data.reading.intensities import odd_intensities

RAMP = np.linspace(0, 1, 4001)
PADDED = np.where(RAMP < 0.5, -32768, RAMP * 3000 - 2000)  # half of it outside of the reconstruction


@pytest.mark.parametrize(
    ("voxels", "numbers"),
    [
        (RAMP * 4095, "from 0 to 4095, 0.00% of them within -1100..-1"),
        (RAMP, "from 0 to 1,"),
        (RAMP * 2 - 1, "from -1 to 1,"),
        (np.where(RAMP < 0.1, -2000, RAMP * 4095), "from -2000 to 4095, 0.00%"),
        (RAMP * 30000 - 10240, "from -10240 to 19760, 30.44% of them below -1100 apart from the lowest value"),
    ],
)
def test_values_that_are_no_hounsfield_units_are_named(voxels: np.ndarray, numbers: str) -> None:
    (warning,) = odd_intensities(voxels, "CT")
    assert numbers in warning
    assert odd_intensities(voxels, "T1") == ()


@pytest.mark.parametrize("voxels", [RAMP * 3000 - 1024, RAMP * 400 - 160, np.full(9, 7), PADDED])
def test_hounsfield_units_pass(voxels: np.ndarray) -> None:
    assert odd_intensities(voxels, "CT") == ()


def test_a_magnitude_is_hardly_negative() -> None:
    assert odd_intensities(RAMP * 1600 - 10, "MR") == ()
    assert "from -1024 to 1000: hardly magnitudes" in odd_intensities(RAMP * 2024 - 1024, "MR")[0]
