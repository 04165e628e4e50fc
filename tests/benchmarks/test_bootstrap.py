"""Speed of the bootstrap at the size of a full comparison: 7 models, 3 data sets, 600 patients, 10,000 draws."""

import time
import timeit

import numpy as np
import pytest

from bench.statistics.bootstrap import BEST, DRAWS, compare, resample
from bench.statistics.patients import PatientScores

MODELS, PATIENTS, ROWS = 7, 600, 12
FEW_DRAWS = 1000
FASTER = 4  # than one draw at a time, in NumPy as well; 7 was measured


@pytest.fixture(scope="module")
def scores():
    rng = np.random.default_rng(0)
    counts = rng.integers(0, 9, (PATIENTS, ROWS, MODELS)).astype(float)
    names = [[f"{letter}{n}" for n in range(size)] for letter, size in zip("prm", counts.shape, strict=True)]
    one = PatientScores(*names, counts * rng.beta(5, 2, counts.shape), counts, macro=True)
    return dict.fromkeys(("isles2022", "segthor", "totalsegmentator-mri"), one)


def one_by_one(scores):
    """The Averages of a few draws, each from the patients that it drew."""
    rng = np.random.default_rng(0)
    averages = []
    for _ in range(FEW_DRAWS):
        drawn = rng.integers(0, PATIENTS, PATIENTS)
        averages.append((scores.sums[drawn].sum(axis=0) / scores.counts[drawn].sum(axis=0)).mean(axis=0))
    return np.array(averages)


@pytest.mark.slow
@pytest.mark.benchmark(timer=time.process_time)
def test_a_full_comparison(benchmark, scores):
    def fresh():
        resample.cache_clear()  # every round draws anew, as a command does

    found = benchmark.pedantic(
        compare, (scores, BEST), setup=fresh, rounds=3, warmup_rounds=1, iterations=1,
    )  # fmt: skip
    assert len(found) == 3 and all(len(one.differences) == MODELS - 1 for one in found.values())
    if benchmark.enabled:
        assert benchmark.stats.stats.median < 5, "seconds of one processor"


@pytest.mark.slow
@pytest.mark.benchmark(timer=time.process_time)
def test_against_drawing_one_study_at_a_time(benchmark, scores):
    one = scores["segthor"]

    def at_once():
        resample.cache_clear()
        return one.means(resample(PATIENTS))[:, -1]

    averages = benchmark.pedantic(at_once, rounds=3, warmup_rounds=1, iterations=1)
    np.testing.assert_allclose(one_by_one(one).mean(axis=0), averages.mean(axis=0), atol=0.001)
    if benchmark.enabled:
        slow = np.median(timeit.repeat(lambda: one_by_one(one), timer=time.process_time, number=1, repeat=3))
        ratio = (slow / FEW_DRAWS) / (benchmark.stats.stats.median / DRAWS)
        benchmark.extra_info["times_as_fast"] = round(ratio, 1)
        assert ratio > FASTER, f"{ratio:.1f} times as fast a draw"
