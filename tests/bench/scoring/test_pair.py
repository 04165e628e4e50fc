import numpy as np

from bench.scoring.pair import Candidate, Target, oracle


def test_the_oracle_takes_the_first_of_equals():
    mask = np.eye(5, dtype=bool)
    one, two = Candidate(mask, 0.1, 0), Candidate(mask.copy(), 0.9, 1)
    assert oracle(Target(mask, None), [one, two]) is one
