"""Dice on packed bits against NumPy's booleans; NSD and HD95 against MONAI, which gives the same values."""

import time

import numpy as np
import pytest

from bench.scoring.metrics import areas, dice
from bench.scoring.packed import pack
from bench.scoring.surface import surface_distances
from tests.helpers.masks import ellipse, lobed
from tests.helpers.timing import least_seconds

PREDICTIONS = 8  # of one target
DICE_FASTER = 4  # than logical_and and sums; 5.5 to 6.6 were measured
SURFACES_FASTER = 5  # than MONAI, in 2-D and 3-D; 8 to 23 were measured
PAIRS = {  # shape, spacing, radius
    "2-D, 40 px across": ((512, 512), (0.8, 0.8), 20),
    "2-D, 120 px across": ((512, 512), (0.8, 0.8), 60),
    "2-D, 360 px across": ((512, 512), (0.8, 0.8), 180),
    "3-D, 90 voxels across": ((256, 256, 256), (1.0, 1.0, 1.0), 45),
    "3-D, 90 voxels across, thick slices": ((128, 256, 256), (3.0, 0.8, 0.8), 45),
}


@pytest.mark.slow
@pytest.mark.benchmark(timer=time.process_time)
def test_dice_of_the_predictions_of_one_target(benchmark):
    target = ellipse((512, 512), 256, 256, 60, 60)
    predictions = [ellipse((512, 512), 250 + n, 256, 60, 55 + n) for n in range(PREDICTIONS)]
    packed = pack(target)

    def on_bits():
        return [dice(areas(packed, predicted)) for predicted in predictions]

    def on_booleans():
        return [2 * np.logical_and(target, one).sum() / (target.sum() + one.sum()) for one in predictions]

    assert benchmark.pedantic(on_bits, rounds=15, warmup_rounds=1) == on_booleans()
    if benchmark.enabled:
        bits, booleans = (seconds / PREDICTIONS for seconds in least_seconds(on_bits, on_booleans, rounds=31))
        benchmark.extra_info |= {"times as fast": round(booleans / bits, 1), "ms a Dice": round(bits * 1000, 4)}
        assert booleans / bits > DICE_FASTER, f"{booleans / bits:.1f} times as fast"


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*always_return_as_numpy:FutureWarning")  # MONAI's own call
@pytest.mark.parametrize("name", PAIRS)
@pytest.mark.benchmark(timer=time.process_time)
def test_surface_distances_against_monai(benchmark, name):
    torch = pytest.importorskip("torch")
    monai = pytest.importorskip("monai.metrics")
    torch.set_num_threads(1)
    shape, spacing, radius = PAIRS[name]
    centre = np.asarray(shape) / 2
    target, predicted = lobed(shape, centre, radius, 0.0), lobed(shape, centre + 4, radius, 1.0)

    def ours():
        found = surface_distances(target, predicted, spacing)
        return found.hd95(), found.nsd(2.0)

    def monais():
        one, two = (torch.from_numpy(mask)[None, None] for mask in (target, predicted))
        options = {"include_background": True, "spacing": spacing}
        hd95 = monai.compute_hausdorff_distance(two, one, percentile=95, **options)
        return float(hd95), float(monai.compute_surface_dice(two, one, [2.0], **options))

    assert benchmark.pedantic(ours, rounds=5, warmup_rounds=1) == pytest.approx(monais(), rel=1e-6)
    if benchmark.enabled:
        mine, theirs = least_seconds(ours, monais, rounds=3 if len(shape) == 3 else 9)
        benchmark.extra_info["times as fast"] = round(theirs / mine, 1)
        assert theirs / mine > SURFACES_FASTER, f"{theirs / mine:.1f} times as fast"
