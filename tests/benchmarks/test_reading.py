"""A CT from its NIfTI file, checked, turned and cut into slices, against nibabel's `get_fdata` alone."""

import time

import nibabel as nib
import numpy as np
import pytest
from scipy import ndimage

from bench.data.reading.nifti import read_volume
from bench.data.slicing import plane
from tests.helpers.timing import least_seconds

SHAPE = (512, 512, 160)
FASTER = 2.5  # 3.3 to 3.9 were measured


@pytest.fixture(scope="module")
def ct(tmp_path_factory):
    """84 MB of voxels, noise as in a scan, air around the body; packed to about half."""
    rng = np.random.default_rng(0)
    smooth = ndimage.zoom(rng.normal(0, 400, (32, 32, 10)), 16, order=1)
    voxels = np.round(smooth + rng.normal(0, 12, SHAPE)).astype(np.int16)
    rows, columns = np.indices(SHAPE[:2]) - 256
    voxels[rows**2 + columns**2 > 250**2] = -1024
    path = tmp_path_factory.mktemp("ct") / "ct.nii.gz"
    nib.save(nib.Nifti1Image(voxels, np.diag([-0.8, -0.8, 2.5, 1])), path)
    return path


@pytest.mark.slow
@pytest.mark.benchmark(timer=time.process_time)
def test_reading_and_slicing_a_ct(benchmark, ct):
    def ours():
        voxels = read_volume(ct).voxels
        return [np.ascontiguousarray(plane(voxels, 2, index)) for index in range(voxels.shape[2])]

    def nibabels():
        return nib.load(ct).get_fdata()

    slices = benchmark.pedantic(ours, rounds=3, warmup_rounds=1)
    np.testing.assert_array_equal(slices[80].T, nibabels()[:, :, 80])  # stored in LPS order
    if benchmark.enabled:
        mine, theirs = least_seconds(ours, nibabels, rounds=5)
        benchmark.extra_info["times as fast"] = round(theirs / mine, 1)
        assert theirs / mine > FASTER, f"{theirs / mine:.1f} times as fast"
