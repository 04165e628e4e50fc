import numpy as np

from bench.protocols import load
from bench.scoring.pair import Candidate, Target, oracle, scores
from bench.scoring.surface import ImagePart


def test_the_oracle_takes_the_first_of_equals():
    mask = np.eye(5, dtype=bool)
    one, two = Candidate(mask, 0.1, 0), Candidate(mask.copy(), 0.9, 1)
    assert oracle(Target(mask, None), [one, two]) is one


def test_a_part_of_a_volume_has_the_scores_of_the_whole():
    rng = np.random.default_rng(5)
    target, predicted = np.zeros((2, 9, 30, 40), bool)
    box = (slice(2, 8), slice(11, 25), slice(3, 30))
    target[box], predicted[box] = (rng.random((6, 14, 27)) > limit for limit in (0.7, 0.8))
    spacing_mm, protocol = (2.5, 0.7, 0.9), load("bench")
    part = ImagePart(tuple(side.start for side in box), target.shape)
    whole, cut = Target(target, spacing_mm), Target(target[box], spacing_mm, part)
    for drawn in (predicted, np.zeros_like(predicted)):  # the diagonal of the whole is the HD95 of an empty one
        assert scores(cut, drawn[box], protocol) == scores(whole, drawn, protocol)
